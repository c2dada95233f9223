local eventually = require "support.eventually"
local process = require "support.process"
local udp = require "support.udp"

local CLIENTS = 12 -- what they send has room in the queue of a slow backend

-- What clients send while the worker stands comes to it at once.
local function send_at_once(n, bytes)
  local worker = n:workers()[1]
  process.signal(worker, "STOP")
  for i = 1, CLIENTS do
    local c = udp.client(n.address)
    for k = 1, 3 do c:send(("%d.%d "):format(i, k) .. ("x"):rep(bytes)) end
  end
  process.signal(worker, "CONT")
end

local function words_of(server)
  local found = {}
  for _, d in ipairs(server:received()) do table.insert(found, d.bytes:match "^%S+") end
  table.sort(found)
  return found
end

local function expected()
  local list = {}
  for i = 1, CLIENTS do
    for k = 1, 3 do table.insert(list, ("%d.%d"):format(i, k)) end
  end
  table.sort(list)
  return list
end

describe("datagrams that a worker reads at once", function()
  for _, bytes in ipairs { 10, 900, 2000 } do
    it(("of %d bytes reach the backend each as it was sent"):format(bytes), function()
      local server = udp.server(function() end)
      local n = udp.start({ server }, "")
      send_at_once(n, bytes)
      eventually(function() return #server:received() == 3 * CLIENTS end)
      assert.same(expected(), words_of(server))
    end)
  end
end)
