local eventually = require "support.eventually"
local example = require "support.example"
local h2_client = require "support.h2_client"
local h2_server = require "support.h2_server"

-- A healthy server whose calls tell its name.
local function server(name)
  return h2_server.start {
    name = name,
    handler = function(h2, stream)
      local _ = h2:whole(stream)
      local is_check = stream.fields[":path"] == "/grpc.health.v1.Health/Check"
      local message = is_check and "\8\1" or name
      return { headers = { { "content-type", "application/grpc" } },
        body = "\0\0\0\0" .. string.char(#message) .. message,
        trailers = { { "grpc-status", "0" } } }
    end,
  }
end

describe("example grpc", function()
  local n, client

  before_each(function()
    n = example.start("grpc", { [8081] = server "one", [8082] = server "two",
      [8083] = server "batch" })
    eventually(function() return n:count_log "checked ok" == 3 end)
    client = h2_client.connect(n.address)
  end)

  local function call(path, more)
    local fields = { [":method"] = "POST", [":path"] = path, { "te", "trailers" },
      { "content-type", "application/grpc" }, more }
    return client:answer(client:request(fields, { body = "\0\0\0\0\0" }))
  end

  it("balances each call of a connection, apart for batch jobs", function()
    local seen = {}
    for _ = 1, 6 do
      local name = call("/shop.Cart/Add").body:sub(6)
      seen[name] = (seen[name] or 0) + 1
    end
    assert.same({ one = 3, two = 3 }, seen)
    local answer = call("/shop.Cart/Add", { "x-job", "7" })
    assert.same({ "batch", "0" }, { answer.body:sub(6), answer.trailers["grpc-status"] })
  end)

  it("refuses what is for nobody, as gRPC does", function()
    local answer = call "/shop.Admin/Drop"
    assert.same({ 200, "7", "not from outside" }, { answer.status,
      answer.headers["grpc-status"], answer.headers["grpc-message"] })
    n:wait_log "/shop.Admin/Drop ended with gRPC status 7"
  end)
end)
