-- No backends here: the policy asks a registry for them, every 2 seconds.
return {
  listen = ":8080",
  backends = {},
  discover = { interval = 2 },
  policy = "policy.lua",
}
