-- Three backends of the current release and one of the next.
local stable, canary = { release = "stable" }, { release = "canary" }

return {
  listen = ":8080",
  backends = {
    { url = "http://127.0.0.1:8081", tags = stable },
    { url = "http://127.0.0.1:8082", tags = stable },
    { url = "http://127.0.0.1:8083", tags = stable },
    { url = "http://127.0.0.1:8084", tags = canary },
  },
  policy = "policy.lua",
}
