-- Who may reach the second service switches: this machine.
return {
  services = {
    { listen = ":8080", pool = "web", policy = "policy.lua" },
    { listen = "127.0.0.1:8079", pool = "web", policy = "switch.lua" },
  },
  pools = { web = { backends = { "http://127.0.0.1:8081" } } },
  shared = { flags = { bytes = 2^20 } },
}
