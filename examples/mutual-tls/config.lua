-- Only clients with a certificate of our CA come in, and only some of them everywhere.
return {
  listen = ":8443",
  tls = { self_signed = true, client = { ca = "ca.pem" } },
  backends = { "http://127.0.0.1:8081" },
  policy = "policy.lua",
  guard = true, -- when the rule fails, nobody passes
}
