-- The certificate made at start is for names that Redis does not know.
return {
  listen = ":8443",
  tls = { self_signed = true },
  backends = { "http://127.0.0.1:8081" },
  policy = "policy.lua",
}
