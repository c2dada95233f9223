local admin = require "support.admin"
local browser = require "support.browser"
local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"
local socket = require "socket"

describe("the dashboard", function()
  local function open(n) return browser.open("http://" .. n.admin .. "/") end

  local function row(name) return ("tr:has(button[aria-label$='%s'])"):format(name) end

  it("shows a backend that dies within two seconds, and drains one by a click", function()
    local a, b = origin.start { name = "a" }, origin.start { name = "b" }
    local n = admin.start({ a, b }, 'name = "web", health = { interval = 0.2 }')
    local page = open(n)
    local name_a, name_b = "127.0.0.1:" .. a.port, "127.0.0.1:" .. b.port
    eventually(function() return page:text(row(name_a) .. " .badge") == "up" end, 10)
    assert.equals("live", page:text "#link")
    a:kill()
    local since = socket.gettime()
    eventually(function() return page:text(row(name_a) .. " .badge") == "down" end, 10)
    assert.is_true(socket.gettime() - since < 2)
    assert.is_truthy(page:text(row(name_a) .. " .why"):find "connection refused")
    local said = page:run "return document.getElementById('say').textContent"
    assert.is_truthy(said:find(name_a .. ": down", 1, true)) -- to a screen reader

    page:click(row(name_b) .. " button")
    assert.equals(("Drain %s?"):format(name_b), page:text "#ask-title")
    assert.is_truthy(page:text("#ask-what"):find("0 under way on it; 0 others serve", 1, true))
    page:type("#token", "a-wrong-token")
    page:click "#ask-yes"
    eventually(function() return page:text("#ask-why"):find "That token is wrong" end)
    page:type("#token", admin.token)
    page:click "#ask-yes"
    eventually(function() return page:text(row(name_b) .. " .badge") == "drain" end, 10)
    assert.equals("drain", admin.backend(n, name_b).state)
    assert.equals("Enable", page:text(row(name_b) .. " button"))
    page:click "#undo"
    eventually(function() return admin.backend(n, name_b).origin.state == "auto" end)
    assert.equals(0, tonumber(page:run "return Object.keys(localStorage).length"))
  end)

  it("stays useful with a thousand backends: in pages, filtered, and no row jumps", function()
    local urls = {}
    for i = 1, 1000 do urls[i] = ("http://10.%d.%d.1:80"):format(i / 250, i % 250) end
    local n = admin.start(urls, 'name = "web"')
    local page = open(n)
    eventually(function() return page:count ".pool tbody tr" == 50 end, 10)
    admin.call(n, "PATCH", "/pools/web/backends/10.3.7.1:80", { state = "down" })
    eventually(function() return page:text ".problems" == "Not serving: 10.3.7.1:80" end, 10)
    assert.is_truthy(page:text(".pool tbody tr"):find("10.0.1.1:80", 1, true))
    assert.equals("1 to 50 of 1000", page:text ".pager span")
    page:click ".pager button:last-child"
    assert.equals("51 to 100 of 1000", page:text ".pager span")
    page:type("#search", "10.2.33.")
    eventually(function() return page:count ".pool tbody tr" == 1 end)
    assert.is_truthy(page:text(".pool tbody tr"):find("10.2.33.1", 1, true))
    page:type("#search", ("\u{E003}"):rep(10)) -- the key that deletes backwards
    page:run "document.querySelector('th[data-by=state] button').click()"
    eventually(function() return page:text ".pool tbody tr .badge" == "down" end)
    admin.call(n, "PATCH", "/pools/web/backends/10.3.7.1:80", { state = "auto" })
    eventually(function() return not page:text(".problems"):find "10" end, 10)
    assert.is_truthy(page:text(".pool tbody tr"):find("10.3.7.1:80", 1, true)) -- where it was
  end)

  it("shows what a shadow policy would have done", function()
    local a, b = origin.start {}, origin.start {}
    local n = admin.start({ a, b }, 'name = "web", shadow = "first", ')
    local page = open(n)
    for _ = 1, 8 do n:get "/" end
    eventually(function()
      return page:text(".pool .shadow"):find("of 8 requests", 1, true)
    end, 10)
    local said = page:text ".pool .shadow"
    assert.matches("^Shadow first: agreed about 50%.0 %% of 8 requests, another backend for 4, "
      .. "none for 0 · .* each · shares it would change: ", said)
    assert.truthy(said:find(("127.0.0.1:%d 50.0 %% → 100.0 %%"):format(a.port), 1, true))
    assert.truthy(said:find(("127.0.0.1:%d 50.0 %% → 0.0 %%"):format(b.port), 1, true))
  end)

  it("names what it shows, and loads nothing from elsewhere", function()
    local n = admin.start({ 1 }, [[name = "<b>&'\"", ]])
    local page = open(n)
    eventually(function() return page:count ".pool tbody tr" == 1 end, 10)
    assert.equals([[<b>&'"]], page:text ".pool h3")
    assert.equals(0, tonumber(page:run [[
      return [...document.querySelectorAll("button, input, select")].filter((e) =>
        !(e.textContent.trim() || e.getAttribute("aria-label") || (e.labels || []).length)).length
    ]]))
    assert.equals(0, tonumber(page:run [[
      return [...document.querySelectorAll("svg[role=img]")].filter((e) =>
        !e.getAttribute("aria-label")).length
    ]]))
    assert.equals(0, tonumber(page:run [[
      return performance.getEntriesByType("resource").filter((e) =>
        !e.name.startsWith(location.origin)).length
    ]]))
  end)

  it("is served with a policy that allows only itself", function()
    local n = admin.start { 1 }
    for path, kind in pairs { ["/"] = "html", ["/dashboard.css"] = "css", ["/dashboard.js"] =
      "javascript", ["/chart.js"] = "javascript" } do
      local r = client.get(n.admin, path)
      assert.equals(("text/%s; charset=utf-8"):format(kind), r.headers["content-type"])
      local policy = r.headers["content-security-policy"]
      assert.is_truthy(policy:find("default-src 'none'; script-src 'self'", 1, true))
      assert.is_nil(policy:find "unsafe")
      assert.is_nil(r.body:find("https?://[^w1]"))
    end
    assert.equals(404, client.get(n.admin, "/nothing.js").status)
  end)
end)
