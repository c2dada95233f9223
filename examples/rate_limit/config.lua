-- `limits` has room for about 900,000 clients. Requests that it cannot count would pass.
return {
  listen = ":8080",
  policy = "policy.lua",
  on_error = "refuse",
  backends = { "http://127.0.0.1:8081", "http://127.0.0.1:8082" },
  shared = { limits = { bytes = 64 * 2^20 } },
}
