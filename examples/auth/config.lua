return {
  listen = ":8080",
  backends = { "http://127.0.0.1:8081" },
  policy = "policy.lua",
  guard = true, -- nobody passes because the policy failed
  shared = { auth = { bytes = 4 * 2^20 } },
}
