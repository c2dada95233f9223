-- Chromium over HTTP/2, before backends of HTTP/1.1.
local browser = require "support.browser"
local eventually = require "support.eventually"
local https = require "support.https"

local PAGE = [[<!doctype html><title>page</title><p id="text">hello</p>
<script>
  const names = [...Array(30).keys()].map(i => "/part/" + i);
  const post = fetch("/echo", { method: "POST", body: "x".repeat(200000) }).then(r => r.text());
  Promise.all(names.map(n => fetch(n).then(r => r.text()))).then(async texts => {
    document.getElementById("text").textContent = texts.join(",") + " " + (await post);
    document.body.id = "done";
  });
</script>]]

describe("A page in Chromium", function()
  it("comes over HTTP/2 with its parts and an upload", function()
    local n = https.start(function(conn, request)
      if request.target == "/" then
        return { headers = { ["Content-Type"] = "text/html" }, body = PAGE }
      end
      if request.target == "/echo" then return tostring(#conn:read_body()) end
      return request.target:match "%d+$" or ""
    end)
    local page = browser.open(("https://localhost:%d/"):format(n.port), {
      args = { "--ignore-certificate-errors" },
    })
    eventually(function() return page:count "#done" == 1 end, 20)
    local numbers = {}
    for i = 0, 29 do numbers[#numbers + 1] = tostring(i) end
    assert.equal(table.concat(numbers, ",") .. " 200000", page:text "#text")
    local protocols = page:run [[
      return performance.getEntriesByType("navigation")
        .concat(performance.getEntriesByType("resource").filter(e => /part|echo/.test(e.name)))
        .map(e => e.nextHopProtocol);
    ]]
    assert.equal(32, #protocols)
    for _, protocol in ipairs(protocols) do assert.equal("h2", protocol) end
  end)
end)
