-- A toy registry: edit the list and start it again.
local neap = require "neap"

local LIST = neap.reply {
  headers = { ["Content-Type"] = "application/json" },
  body = [=[[ "http://127.0.0.1:8081", { "url": "http://127.0.0.1:8082", "weight": 2 } ]]=],
}

return {
  listen = "127.0.0.1:8090",
  workers = 1,
  policy = { request = function() return LIST end },
}
