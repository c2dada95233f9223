return {
  listen = ":8080",
  backends = { "http://127.0.0.1:8081", "http://127.0.0.1:8082" },
  health = { interval = 5, timeout = 2, fall = 2 },
  policy = "policy.lua",
}
