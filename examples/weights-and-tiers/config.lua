-- A large and a small machine share the work 3 : 1; the third one is there for when both are down.
return {
  listen = ":8080",
  backends = {
    { url = "http://127.0.0.1:8081", weight = 3 },
    { url = "http://127.0.0.1:8082" },
    { url = "http://127.0.0.1:8083", tier = 1 },
  },
}
