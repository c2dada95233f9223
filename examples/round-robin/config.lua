-- Four backends in turn, by a policy of our own that does what the default one does.
return {
  listen = ":8080",
  backends = {
    "http://127.0.0.1:8081",
    "http://127.0.0.1:8082",
    "http://127.0.0.1:8083",
    "http://127.0.0.1:8084",
  },
  policy = "policy.lua",
}
