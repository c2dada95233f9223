return {
  listen = ":8080",
  backends = { "http://127.0.0.1:8081" },
  limits = { body_bytes = 2^20, uri_bytes = 4096 },
  policy = "policy.lua",
  guard = true, -- what the policy cannot judge does not pass
}
