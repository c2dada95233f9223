local cjson = require "cjson"
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"

local CONFIG = [[
  local s = require("neap").shared "clients"
  return {
    listen = "127.0.0.1:0", workers = 1, backends = { "http://127.0.0.1:1" },
    admin = { listen = "127.0.0.1:0" }, health = { type = "none" },
    shared = { clients = { bytes = 65536 }, other = {} },
    policy = { request = function(request)
      if request.path == "/read" then s:get "key1" s:get "key2" s:get "none" end
      for i = 1, tonumber(request.path:match "%d+") or 0 do s:set("key" .. i, i) end
      return require("neap").reply {}
    end },
  }]]

describe("the admin side", function()
  it("shows what is in shared stores, and what was pushed out", function()
    local n = neap.start { config = CONFIG }
    local admin = client.connect(n.admin)
    n:get "/100"
    n:get "/read"
    local store
    eventually(function()
      local status = cjson.decode(admin:request("GET", "/status").body)
      store = status.shared[1]
      return store.entries == 100 and store.hits == 2 and status.shared[2].name == "other"
    end)
    assert.same({ "clients", 65536, 0, 0, 2, 1 }, { store.name, store.bytes, store.evicted,
      store.expired, store.hits, store.misses })
    assert.is_true(store.used >= 6400 and store.used < 10000)
    n:get "/2000"
    eventually(function()
      local text = admin:request("GET", "/metrics").body
      local value = function(name)
        return tonumber(text:match(name .. '{store="clients"} (%d+)'))
      end
      return value "neap_shared_evicted_total" + value "neap_shared_entries" == 2000
        and value "neap_shared_hits_total" == 2 and value "neap_shared_misses_total" == 1
        and value "neap_shared_used_bytes" <= value "neap_shared_size_bytes"
    end)
    local _, text = neap.run { "status", "--admin", n.admin }
    assert.matches("STORE +entries +used +of +reads/s +hits +evicted", text)
    assert.matches("clients +%d+ +%d+ KiB +64 KiB +[^ ]+ +66.7 %% +%d+", text)
  end)
end)
