-- The servers end TLS themselves; their names stand beside their addresses.
return {
  listen = ":8443",
  mode = "tcp",
  sniff = "tls",
  backends = {
    { url = "tcp://127.0.0.1:8081", tags = { sni = "app.example" } },
    { url = "tcp://127.0.0.1:8082", tags = { sni = "app.example" } },
    { url = "tcp://127.0.0.1:8083", tags = { sni = "shop.example" } },
  },
  policy = "policy.lua",
}
