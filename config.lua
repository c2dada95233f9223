-- neap's configuration: a Lua file that returns a table. Every key but `backends` may be left out;
-- what is commented out below shows its default. docs/config.md explains all of them.
--
-- neap -t -c config.lua   says what is wrong in this file.

return {
  listen = ":8080",

  backends = {
    "http://localhost:8081/",
    "http://localhost:8082/",
    "http://localhost:8083/",
    "http://localhost:8084/",
    -- { url = "http://localhost:8085/", weight = 3, zone = "a", tags = { canary = true } },
  },

  -- Who gets the next request: the name of a shipped policy, the path of a Lua file of your own
  -- ("./my_policy.lua"), or hooks right here:
  --   policy = { pick = function(request, pool) return pool:least_loaded() end },
  policy = "round_robin",

  -- Whether backends live: "tcp" connects, "http" asks for `path`, "none" believes them.
  health = { type = "tcp", interval = 60, timeout = 60 },

  -- workers = "auto",              -- as many as there are CPUs
  -- user = "neap",                 -- when started by root
  -- log = { target = "stderr", level = "info" },
  -- timeouts = { connect = 5, response = 60, client_idle = 75 },   -- seconds
  -- limits = { body_bytes = false, connections = 10000 },
  -- keepalive = { connections = 64, idle = 55 },
  -- retry = { attempts = "all", unsafe = false, status = {} },
  -- forwarded = { trust = {} },    -- e.g. { "10.0.0.0/8" } when a proxy stands in front
}
