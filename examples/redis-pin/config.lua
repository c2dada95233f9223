return {
  listen = ":8080",
  backends = { "http://127.0.0.1:8081", "http://127.0.0.1:8082", "http://127.0.0.1:8083" },
  policy = "policy.lua",
}
