-- Two toy backends that report their state; neap can answer from Lua without any pool.
local neap = require "neap"

local function toy(name, listen, jobs)
  return {
    listen = listen,
    policy = {
      request = function(request)
        if request.path ~= "/status" then return neap.reply { body = name .. "\n" } end
        return neap.reply { body = neap.json.encode { jobs = jobs } }
      end,
    },
  }
end

return {
  workers = 1,
  services = { toy("web1", "127.0.0.1:8081", 3), toy("web2", "127.0.0.1:8082", 250) },
}
