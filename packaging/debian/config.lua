-- neap's configuration: a Lua file that returns a table. neap-config(5) explains all keys,
-- neap-policy(7) the hooks; /usr/share/doc/neap/examples has whole setups.
--
--   neap -t -c /etc/neap/config.lua    says what is wrong in this file
--   systemctl reload neap              makes neap use it, without losing a request

return {
  user = "neap",
  listen = "127.0.0.1:8080",
  log = { target = "/var/log/neap/neap.log" },
  -- access_log = { target = "/var/log/neap/access.log", format = "combined" },
  -- admin = { listen = "127.0.0.1:9180" },

  -- Until there are backends, neap answers itself. Put yours here, and take `policy` out:
  --
  -- backends = { "http://10.0.0.1:8080", "http://10.0.0.2:8080" },
  -- health = { type = "http", path = "/health", interval = 5, timeout = 2 },
  policy = {
    request = function()
      return require("neap").reply {
        status = 503,
        headers = { ["Content-Type"] = "text/plain; charset=utf-8" },
        body = "neap runs, but has no backends yet: see /etc/neap/config.lua\n",
      }
    end,
  },
}
