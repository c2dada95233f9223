-- The cookie of the policy `cookie` among others, on its way to the backend and in caches.
local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"

local POOLS = [[return { workers = 1,
  services = { { listen = "127.0.0.1:0", pool = "shop", policy = { backends = function(request)
    if request.path == "/blog" then return require("neap").pool "blog" end
  end } } },
  pools = {
    shop = { policy = "cookie", health = { type = "none" }, backends = { %q, %q } },
    blog = { policy = "cookie", health = { type = "none" }, backends = { %q, %q } },
  } }]]

describe("the cookie of the policy cookie", function()
  local web

  before_each(function() web = origin.several(2) end)

  local function start(options)
    return neap.start { config = neap.config(web, ('policy = require "neap.policy.cookie" %s, '
      .. 'health = { type = "none" }'):format(options or "{}")) }
  end

  local function visit(n, cookies, path)
    local answer = client.get(n.address, path or "/", cookies and { Cookie = cookies })
    local set = answer.headers["set-cookie"]
    return answer.body, set and set:match "^[^;]+", answer
  end

  it("counts among old ones of its name, wherever it stands", function()
    local n = start()
    local name, cookie = visit(n)
    local ours = cookie:match "^[^=]+="
    local fields = {
      ours .. "old; " .. cookie, cookie .. "; " .. ours .. "old",
      ours .. "; a=b; " .. ours .. '"old"; ' .. cookie .. ";",
      ours .. "1;;" .. ours .. "2;" .. cookie,
    }
    for _, field in ipairs(fields) do
      for _ = 1, 3 do assert.same({ name }, { (visit(n, field)) }) end
    end
  end)

  it("has a name of its own in each pool", function()
    local others = origin.several(2)
    local n = neap.start {
      config = POOLS:format(web[1].url, web[2].url, others[1].url, others[2].url),
    }
    local shop, a = visit(n)
    local blog, b = visit(n, a, "/blog")
    assert.are_not.equal(a:match "^[^=]+", b:match "^[^=]+")
    for _ = 1, 3 do
      assert.equal(shop, (visit(n, a .. "; " .. b)))
      assert.equal(blog, (visit(n, a .. "; " .. b, "/blog")))
    end
  end)

  it("is taken out before the backend, with indirect = true", function()
    local n = start "{ indirect = true }"
    local name, cookie = visit(n)
    local server = name == "web1" and web[1] or web[2]
    local function seen(field)
      assert.same({ name }, { (visit(n, field)) })
      local requests = server:requests()
      return requests[#requests].headers.cookie
    end
    assert.is_nil(seen(cookie))
    assert.equal("a=b; c=d", seen("a=b; " .. cookie .. "; c=d"))
    assert.equal("bare; x=1", seen("bare;" .. cookie .. ";x=1"))
    local _, _, answer = visit(n, cookie)
    assert.is_nil(answer.headers["set-cookie"])
  end)

  it("keeps caches away, with nocache = true", function()
    local n = start "{ nocache = true }"
    local _, cookie, answer = visit(n)
    assert.equal("private", answer.headers["cache-control"])
    _, _, answer = visit(n, cookie)
    assert.is_nil(answer.headers["cache-control"])
  end)
end)
