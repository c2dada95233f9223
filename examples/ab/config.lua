-- Who may reach the second service sets B's share: this machine.
local a, b = { variant = "a" }, { variant = "b" }

return {
  services = {
    { listen = ":8080", pool = "web", policy = "policy.lua" },
    { listen = "127.0.0.1:8079", pool = "web", policy = "ramp.lua" },
  },
  pools = {
    web = {
      backends = {
        { url = "http://127.0.0.1:8081", tags = a }, { url = "http://127.0.0.1:8082", tags = a },
        { url = "http://127.0.0.1:8083", tags = b },
      },
    },
  },
  shared = { ab = { bytes = 2^20 } },
}
