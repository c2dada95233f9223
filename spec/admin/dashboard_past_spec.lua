-- Charts, groups, a backend's page. With NEAP_PICTURES=docs/pictures they become the pictures of
-- docs/admin.md.

local admin = require "support.admin"
local browser = require "support.browser"
local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"

local PICTURES = os.getenv "NEAP_PICTURES"

local function picture(page, name)
  if PICTURES then page:screenshot(("%s/%s.png"):format(PICTURES, name)) end
end

-- The sum of what /history has of one field.
local function seen(n, field)
  local sum = 0
  for _, value in ipairs(admin.get(n, "/history?service=web").value[field]) do
    sum = sum + (tonumber(value) or 0)
  end
  return sum
end

local ZONES = { "north", "south" }

-- Four backends in two zones, of which one answers 503 and one is not there.
local function start()
  local backends = {}
  for i = 1, 4 do
    local o = i < 4 and origin.start { name = "b" .. i }
    backends[i] = ("{ name = %q, url = %q, zone = %q }"):format("b" .. i,
      o and "http://127.0.0.1:" .. o.port or "http://127.0.0.1:1", ZONES[i % 2 + 1])
  end
  return admin.start({}, ([[name = "web", explain = { sample = 1 }, health = { interval = 0.3 },
    backends = { %s },]]):format(table.concat(backends, ", ")))
end

describe("the dashboard's past", function()
  it("is there on a fresh page, with axes, a legend and values under the pointer", function()
    local n = start()
    n:allow "."
    for _ = 1, 40 do client.get(n.address, "/") end
    eventually(function() return seen(n, "requests") > 0 end, 10)
    local page = browser.open("http://" .. n.admin .. "/", { width = 1280, height = 860 })
    eventually(function()
      local path = page:run "return document.querySelector('#charts path.l0').getAttribute('d')"
      return path and path:find "L"
    end, 10)
    assert.equals(3, page:count "#charts .figure")
    assert.is_truthy(page:text("#charts .legend"):find("all", 1, true))
    assert.is_true(page:count "#charts .figure:first-child text" >= 4)
    -- one service: its charts take the width
    assert.is_true(page:run [[return document.querySelector("#charts").clientWidth >
      0.85 * document.documentElement.clientWidth]])
    page:run [[
      const svg = document.querySelector("#charts svg"), box = svg.getBoundingClientRect();
      svg.dispatchEvent(new PointerEvent("pointermove", { bubbles: true,
        clientX: box.left + box.width - 20, clientY: box.top + 50 }))]]
    assert.matches("%d:%d%d", page:text "#charts .when")
    assert.equals(1, page:count "#charts .cursor")
    picture(page, "dashboard")
  end)

  it("has a page for each backend, with its history, its failures and its stories", function()
    local n = start()
    n:allow "."
    for _ = 1, 40 do client.get(n.address, "/") end
    local page = browser.open("http://" .. n.admin .. "/", { width = 1280, height = 980 })
    eventually(function() return page:count ".pool tbody tr" == 4 end, 10)
    page:run "document.querySelector('td.who a[href$=b1]').click()"
    eventually(function() return page:text "#one-title" == "b1" end)
    assert.equals("up", page:text "#one-badge")
    eventually(function() return page:count "#one-stories li" > 0 end, 10)
    eventually(function() return page:count "#one-charts path" == 6 end, 10)
    assert.is_truthy(page:text("#one-facts"):find("zone south", 1, true))
    picture(page, "backend")

    page:run [[
      document.getElementById("weight").value = 7;
      document.getElementById("weight").dispatchEvent(new Event("input"))]]
    page:click "#one-weight button"
    page:type("#token", admin.token)
    page:click "#ask-yes"
    eventually(function() return admin.backend(n, "b1").weight == 7 end, 10)
    page:click "#undo"
    eventually(function() return admin.backend(n, "b1").weight == 1 end, 10)

    page:run "location.hash = '#backend/web/b4'"
    eventually(function() return page:text "#one-badge" == "down" end, 10)
    assert.is_truthy(page:text("#one-why"):find("connection refused", 1, true))
    assert.is_truthy(page:text("#one-events"):find("connection refused", 1, true))
    page:run "location.hash = ''"
    eventually(function() return page:count ".pool tbody tr" == 4 end)
    page:click "#reload"
    page:click "#ask-yes"
    eventually(function() return page:text "#told" == "The new configuration serves." end, 10)
  end)

  it("groups backends, and needs two lines for each on a phone", function()
    local n = start()
    n:allow "."
    local page = browser.open("http://" .. n.admin .. "/", { width = 1100, height = 900 })
    eventually(function() return page:count ".pool tbody tr" == 4 end, 10)
    page:run [[
      const group = document.getElementById("group");
      group.value = "zone";
      group.dispatchEvent(new Event("input"))]]
    eventually(function() return page:count ".pool tr.group" == 2 end)
    assert.matches("^zone north: 2 backends, %d serve, .* per second$", page:text ".pool tr.group")
    local phone = browser.open("http://" .. n.admin .. "/", { width = 500, height = 900 })
    eventually(function() return phone:count ".pool tbody tr" == 4 end, 10)
    local tallest = phone:run [[return Math.max(...[...document.querySelectorAll(".pool tbody tr")]
      .map((row) => row.clientHeight))]]
    assert.is_true(tallest < 64, tallest)
    assert.is_true(phone:run [[return document.documentElement.scrollWidth
      <= document.documentElement.clientWidth]])
    picture(phone, "phone")
  end)
end)
