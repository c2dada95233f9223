return {
  services = { { listen = ":8080", pool = "web", policy = "policy.lua" } },
  pools = { web = { backends = { "http://127.0.0.1:8081", "http://127.0.0.1:8082" } } },
}
