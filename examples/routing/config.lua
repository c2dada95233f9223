-- One public service whose policy routes to two pools, and a private one for the second pool alone.
return {
  services = {
    { listen = ":8080", pool = "web", policy = "policy.lua" },
    { listen = "127.0.0.1:8090", pool = "api" },
  },
  pools = {
    web = { backends = { "http://127.0.0.1:8081", "http://127.0.0.1:8082" } },
    api = {
      backends = { "http://127.0.0.1:8083", "http://127.0.0.1:8084" },
      policy = { pick = function(_request, pool) return pool:least_loaded() end },
      timeouts = { response = 10 },
    },
  },
}
