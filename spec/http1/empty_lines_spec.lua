local client = require "support.client"
local proxied = require "support.proxied"

local GET = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
local POST = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na"

-- The answers' statuses to the whole text, sent in two pieces cut there. An answer to another
-- client of the one worker says that it has read the first.
local function statuses(n, text, cut, count)
  local c, list = client.connect(n.address), {}
  c:send(text:sub(1, cut))
  if cut > 0 then n:get("/") end
  c:send(text:sub(cut + 1))
  for index = 1, count do list[index] = c:read_response().status end
  return list
end

describe("empty lines before a request", function()
  local n
  setup(function()
    n = proxied.start(function(conn)
      conn:read_body()
      return "ok"
    end, "workers = 1")
  end)

  for _, lines in ipairs { 1, 2, 16 } do
    it("are passed over wherever they are cut: " .. lines, function()
      local empty = ("\r\n"):rep(lines)
      for cut = 0, #empty + 1 do
        assert.same({ 200 }, statuses(n, empty .. GET, cut, 1), cut)
      end
      for cut = #POST - 1, #POST + #empty + 1 do
        assert.same({ 200, 200 }, statuses(n, POST .. empty .. GET, cut, 2), cut)
      end
    end)
  end

  it("are bounded, whole or one by one", function()
    local empty = ("\r\n"):rep(17)
    for cut = 0, #empty do
      assert.same({ 400 }, statuses(n, empty .. GET, cut, 1), cut)
    end
    assert.same({ 200, 400 }, statuses(n, POST .. empty .. GET, #POST + 6, 2))
  end)

  it("end in CRLF like all others", function()
    for _, empty in ipairs { "\n", "\r\n\n", "\r\r\n", "\r\n\r" } do
      for cut = 0, #empty do
        assert.same({ 400 }, statuses(n, empty .. GET, cut, 1), cut)
      end
    end
  end)
end)
