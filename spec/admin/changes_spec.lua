local admin = require "support.admin"
local eventually = require "support.eventually"
local origin = require "support.origin"
local process = require "support.process"

local function name_of(o) return "127.0.0.1:" .. o.port end

local function path_of(o) return "/pools/web/backends/" .. name_of(o) end

-- Who answers the next requests.
local function answers(n, count)
  local seen = {}
  for _ = 1, count do
    local r = n:get "/"
    local key = r.status == 200 and r.body or r.status
    seen[key] = (seen[key] or 0) + 1
  end
  return seen
end

describe("backends, changed at run time,", function()
  local a, b, n
  local function start(more, options)
    a, b = origin.start { name = "a" }, origin.start { name = "b" }
    n = admin.start({ a, b }, 'name = "web",' .. (more or ""), options)
  end

  it("drain, go down, stay up and are left to their checks, whatever others say", function()
    start 'health = { interval = 0.2, recheck = 0.2 }, workers = 2'
    for _, state in ipairs { "drain", "down" } do
      local r = admin.call(n, "PATCH", path_of(a), { state = state })
      assert.equals(200, r.status)
      assert.equals(state, r.value.state)
      assert.equals("api", r.value.origin.state)
      assert.equals("it stays, until it is set to auto", r.value.on_reload.state)
      assert.same({ b = 6 }, answers(n, 6))
    end
    assert.same({ b = 6 }, answers(n, 6))
    assert.equals(200, admin.call(n, "PATCH", path_of(a), { state = "auto" }).status)
    eventually(function() return admin.backend(n, name_of(a)).state == "up" end)
    assert.same({ a = 3, b = 3 }, answers(n, 6))
    admin.call(n, "PATCH", path_of(a), { state = "up" })
    a:kill()
    answers(n, 4)
    eventually(function() return n:log():find "checked dead" end)
    assert.equals("up", admin.backend(n, name_of(a)).state)
  end)

  it("take another weight", function()
    start()
    local r = admin.call(n, "PATCH", path_of(a), { weight = 3, state = "up" })
    assert.same({ 200, 3, "api" }, { r.status, r.value.weight, r.value.origin.weight })
    assert.equals("it is 1 again", r.value.on_reload.weight)
    assert.same({ a = 6, b = 2 }, answers(n, 8))
    admin.call(n, "PATCH", path_of(a), { weight = 0 })
    assert.same({ b = 4 }, answers(n, 4))
  end)

  it("come and go", function()
    start()
    local c = origin.start { name = "c" }
    local r = admin.call(n, "POST", "/pools/web/backends", { url = c.url, weight = 2 })
    assert.equals(201, r.status)
    assert.equals("/pools/web/backends/" .. name_of(c), r.headers.location)
    assert.equals("api", r.value.origin.backend)
    assert.same({ a = 2, b = 2, c = 4 }, answers(n, 8))
    assert.equals(409, admin.call(n, "POST", "/pools/web/backends", { url = c.url }).status)
    assert.equals(200, admin.call(n, "DELETE", path_of(a)).status)
    assert.same({ b = 2, c = 4 }, answers(n, 6))
    assert.same({ name_of(a) }, admin.get(n, "/pools/web/backends").value.removed)
    assert.equals(404, admin.call(n, "DELETE", path_of(a)).status)
    assert.equals(200, admin.call(n, "DELETE", path_of(c)).status)
    assert.same({ b = 3 }, answers(n, 3))
  end)

  it("stay as they were changed when the agent dies, and go back with a reload", function()
    start()
    local c = origin.start { name = "c" }
    n:allow "agent .* was killed"
    admin.call(n, "POST", "/pools/web/backends", { url = c.url })
    admin.call(n, "PATCH", path_of(a), { weight = 5 })
    admin.call(n, "PATCH", path_of(c), { state = "drain" })
    admin.call(n, "DELETE", path_of(b))
    local agent = n:agent()
    process.signal(agent, "KILL")
    local function look()
      local list = admin.get(n, "/pools/web/backends").value.backends
      local found = {}
      for _, backend in ipairs(list) do
        found[backend.name] = { backend.weight, backend.state, backend.origin.backend }
      end
      return found
    end
    eventually(function() return n:agent() and n:agent() ~= agent end)
    eventually(function()
      assert.same({ [name_of(a)] = { 5, "unknown", "file" }, [name_of(c)] = { 1, "drain", "api" } },
        look())
    end)
    assert.equals(200, admin.call(n, "POST", "/reload").status)
    eventually(function()
      assert.same({ [name_of(a)] = { 1, "unknown", "file" }, [name_of(b)] = { 1, "unknown",
        "file" } }, look())
    end)
  end)

  it("keep a state through a reload", function()
    start()
    admin.call(n, "PATCH", path_of(a), { state = "drain" })
    assert.equals(200, admin.call(n, "POST", "/reload").status)
    eventually(function()
      local backend = admin.backend(n, name_of(a))
      return backend.state == "drain" and backend.origin.state == "api"
    end)
    assert.same({ b = 4 }, answers(n, 4))
  end)

  it("are not changed by who read them before somebody else changed them", function()
    start()
    local tag = admin.get(n, path_of(a)).headers.etag
    local list_tag = admin.get(n, "/pools/web/backends").headers.etag
    local r = admin.call(n, "PATCH", path_of(a), { weight = 2 }, { ["If-Match"] = tag })
    assert.equals(200, r.status)
    assert.not_equals(tag, r.headers.etag)
    r = admin.call(n, "PATCH", path_of(a), { weight = 9 }, { ["If-Match"] = tag })
    assert.equals(412, r.status)
    assert.equals(2, admin.backend(n, name_of(a)).weight)
    assert.equals(412, admin.call(n, "DELETE", path_of(a), nil, { ["If-Match"] = tag }).status)
    assert.equals(412, admin.call(n, "POST", "/pools/web/backends", { url = "http://127.0.0.1:1" },
      { ["If-Match"] = list_tag }).status)
    assert.equals(200, admin.call(n, "PATCH", path_of(a), { weight = 9 },
      { ["If-Match"] = '"other", ' .. r.headers.etag }).status)
  end)

  it("are not changed by halves, and not by mistake", function()
    start()
    local url, pool = path_of(a), "/pools/web/backends"
    for _, case in ipairs {
      { "PATCH", url, { weight = 5, state = "gone" }, 400, "state: 'gone' is no state" },
      { "PATCH", url, { state = "drain", weight = -1 }, 400, "weight: -1 is no weight" },
      { "PATCH", url, { weight = 1.5 }, 400, "weight: 1.5" },
      { "PATCH", url, { wieght = 1 }, 400, "wieght: unknown key" },
      { "PATCH", url, "{}", 400, "nothing is to be changed" },
      { "PATCH", url, "[1]", 400, "not a JSON object" },
      { "PATCH", url, "{", 400, "not JSON" },
      { "PATCH", url, "null", 400, "not a JSON object" },
      { "PATCH", "/pools/wob/backends/x", { weight = 1 }, 404, "did you mean 'web'" },
      { "PATCH", "/pools/web/backends/x", { weight = 1 }, 404, "there is no backend 'x'" },
      { "POST", pool, { url = "nonsense" }, 400, "url: " },
      { "POST", pool, { weight = 1 }, 400, "url: missing" },
      { "POST", pool, { url = "tcp://127.0.0.1:1" }, 400, "goes only with mode = 'tcp'" },
      { "PUT", url, { weight = 1 }, 405, "expected GET, PATCH, DELETE, HEAD" },
    } do
      local r = admin.call(n, case[1], case[2], case[3])
      assert.equals(case[4], r.status, r.body)
      assert.equals(case[4], r.value.status)
      assert.is_truthy(r.value.error:find(case[5], 1, true), r.body)
    end
    local backend = admin.backend(n, name_of(a))
    assert.same({ 1, "unknown", "auto" }, { backend.weight, backend.state, backend.origin.state })
  end)
end)
