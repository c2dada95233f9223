local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local spread = require "support.spread"

-- The backend that answered, and the cookie that came with it.
local function visit(n, cookie, path)
  local response = n:get(path or "/", cookie and { Cookie = "a=b; " .. cookie })
  assert.equal(200, response.status)
  local set = response.headers["set-cookie"]
  return response.body, set and set:match "^[^;]+", set
end

describe("cookie", function()
  local web

  before_each(function() web = origin.several(4) end)

  it("keeps a browser with its backend, over two workers", function()
    local n = spread.start(web, "'cookie'")
    local seen = {}
    for _ = 1, 8 do
      local name, cookie, whole = visit(n)
      assert.matches("^neap%x+=%x+; Path=/; HttpOnly; SameSite=Lax$", whole)
      seen[name] = true
      for _ = 1, 6 do assert.same({ name }, { visit(n, cookie) }) end
    end
    assert.same({ web1 = true, web2 = true, web3 = true, web4 = true }, seen)
  end)

  it("ignores what is forged or another balancer's, and issues anew", function()
    local n = spread.start(web, "'cookie'")
    local name, cookie = visit(n)
    local _, foreign = visit(spread.start(web, "'cookie'"))
    local ours = cookie:match "^[^=]+="
    local wrong = {
      foreign, ours .. web[1].address, ours, ours .. ("0"):rep(32),
      ours .. ("f"):rep(4000), cookie .. "0", cookie:sub(1, -2),
    }
    for _, text in ipairs(wrong) do
      local _, issued = visit(n, text)
      assert.matches("^neap%x+=%x+$", issued, text:sub(1, 80))
      assert.are_not.equal(text, issued)
    end
    assert.equal(name, (visit(n, cookie)))
  end)

  it("is followed by every worker, also by one that was started later", function()
    local n = spread.start(web, "'cookie'")
    local name, cookie = visit(n)
    local before = n:workers()
    n:allow "worker"
    for _, pid in ipairs(before) do process.signal(pid, "KILL") end
    eventually(function()
      local now = n:workers()
      return #now == 2 and now[1] ~= before[1] and now[2] ~= before[2]
        and pcall(client.get, n.address)
    end)
    for _ = 1, 8 do assert.same({ name }, { visit(n, cookie) }) end
  end)

  it("is another one when the backend is dead, until then the same", function()
    local n = spread.start(web, "'cookie'")
    local name, cookie = visit(n)
    web[tonumber(name:match "%d")]:kill()
    local other, issued = visit(n, cookie)
    assert.are_not.equal(name, other)
    assert.are_not.equal(cookie, issued)
    for _ = 1, 6 do assert.same({ other }, { visit(n, issued) }) end
  end)

  for full, expected in pairs { move = "moves", queue = "waits" } do
    it(("%s, as full = %q says, when the backend of its session is full"):format(expected, full),
      function()
        local busy = origin.several(2, { handler = function(conn, request)
          if request.target == "/long" then conn:wait(10) end
          return conn.name
        end })
        local n = spread.start(busy, ([[(function()
          local policy = require 'neap.policy.cookie' { full = %q }
          local pick = policy.pick
          function policy.pick(request, pool)
            local backend, why = pick(request, pool)
            return backend, why == "queue" and "it would wait" or why
          end
          return policy
        end)()]]):format(full), { backends = ("{ url = '%s', slots = 1 }, '%s'"):format(busy[1].url,
          busy[2].url) })
        local name, cookie
        repeat name, cookie = visit(n) until name == "web1"
        assert.equal("web1", (visit(n, cookie)))
        local long = client.connect(n.address)
        long:send(("GET /long HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n\r\n"):format(cookie))
        eventually(function()
          local last = busy[1]:requests()
          return last[#last].target == "/long"
        end)
        local response = n:get("/", { Cookie = cookie })
        if full == "queue" then
          assert.equal("it would wait", response.headers["x-neap-error"])
        else
          assert.equal("web2", response.body)
        end
        assert.equal("web2", n:get("/").body) -- who has no session waits for nobody
      end)
  end

  it("waits with full = queue until its backend has a free slot", function()
    local busy = origin.several(2, { handler = function(conn, request)
      if request.target == "/long" then conn:wait(0.5) end
      return conn.name
    end })
    local n = spread.start(busy, "require 'neap.policy.cookie' { full = 'queue' }",
      { backends = ("{ url = '%s', slots = 1 }, '%s'"):format(busy[1].url, busy[2].url) })
    local name, cookie
    repeat name, cookie = visit(n) until name == "web1"
    local long = client.connect(n.address)
    long:send(("GET /long HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n\r\n"):format(cookie))
    eventually(function()
      local all = busy[1]:requests()
      return all[#all].target == "/long"
    end)
    assert.equal("web1", (visit(n, cookie)))
    assert.equal("web1", long:read_response().body)
  end)

  it("stays with a backend that drains, or weighs nothing", function()
    local n = spread.start(web, [[(function()
      local policy = require 'neap.policy.cookie' { key = 'k' }
      function policy.request(request)
        local pool = require("neap").pool "127.0.0.1:0"
        local i = tonumber(request.path:match "^/drain(%d)")
        if i then pool.all[i]:drain() end
      end
      return policy
    end)()]], { backends = ("{ url = '%s', weight = 0 }, '%s', '%s'"):format(web[1].url,
      web[2].url, web[3].url) })
    local name, cookie = visit(n)
    visit(n, nil, "/drain" .. name:match "%d")
    for _ = 1, 6 do assert.same({ name }, { visit(n, cookie) }) end
    for _ = 1, 6 do assert.are_not.equal(name, (visit(n))) end
    -- with that key, the value of a backend without weight is known
    local old = spread.start({ web[1] }, "require 'neap.policy.cookie' { key = 'k' }")
    local _, weightless = visit(old)
    for _ = 1, 6 do assert.same({ "web1" }, { visit(n, weightless) }) end
  end)

  it("has the attributes of its options", function()
    local n = spread.start(web, [[require 'neap.policy.cookie' { name = 'app', path = '/x',
      max_age = 600, same_site = 'Strict', secure = true, domain = 'example.org',
      fallback = 'first' }]])
    local name, _, whole = visit(n)
    assert.equal("web1", name)
    assert.matches("^app=%x+; Path=/x; HttpOnly; SameSite=Strict; Domain=example.org; "
      .. "Max%-Age=600; Secure$", whole)
  end)

  it("is Secure with SameSite=None: browsers refuse it otherwise", function()
    local n = spread.start({ web[1] }, "require 'neap.policy.cookie' { same_site = 'None' }")
    local _, _, whole = visit(n)
    assert.matches("; SameSite=None; Secure$", whole)
  end)

  it("goes around the hooks of its fallback", function()
    local n = spread.start(web, [[require 'neap.policy.cookie' { fallback = {
      pick = function(_, pool) return pool[2] end,
      response = function(_, _, response) response:set_header("X-Inner", "1") end,
    } }]])
    local response = n:get "/"
    assert.equal("web2", response.body)
    assert.equal("1", response.headers["x-inner"])
    assert.is_truthy(response.headers["set-cookie"])
  end)

  it("is checked with the config", function()
    local code, output = neap.check(neap.config(web,
      "policy = require 'neap.policy.cookie' { max_aeg = 5 }"))
    assert.equal(1, code)
    assert.matches("config%.lua:2: policy cookie: unknown option 'max_aeg'; did you mean 'max_age'",
      output)
  end)
end)
