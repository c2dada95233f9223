-- What requests and answers show: all headers, arguments, the normalised path; and the parts of
-- neap that are loaded when a hook asks for them.

local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"

local function start(policy, web)
  return neap.start {
    config = neap.config(web, 'policy = "policy.lua", health = { type = "none" }'),
    files = { ["policy.lua"] = 'local neap = require "neap"\n' .. policy },
  }
end

local function ask(n, target, lines)
  return client.request(n.address, ("GET %s HTTP/1.1\r\nHost: h\r\n%s\r\n"):format(target,
    lines or ""))
end

describe("a hook", function()
  local web

  before_each(function() web = origin.start() end)

  it("goes through all headers of a request, those it set included", function()
    local n = start([[
      return { request = function(r)
        r:set_header("X-Two", "changed")
        r:set_header("X-Gone")
        r:set_header("X-New", "n")
        local parts = {}
        for name, value in r:headers() do
          r:set_header("X-Seen", name)
          parts[#parts + 1] = name .. "=" .. value
        end
        return neap.reply { body = table.concat(parts, "|") }
      end }]], { web })
    assert.equal("host=h|x-one=1|x-one=2|x-two=changed|x-new=n", ask(n, "/",
      "X-One: 1\r\nX-Gone: g\r\nX-TWO: 2\r\nx-one: 2\r\nClient-Cert: :aaaa:\r\n").body)
  end)

  it("goes through all headers of an answer", function()
    local n = start([[
      return { response = function(_, _, response)
        local names = {}
        response:set_header("X-Added", "1")
        for name in response:headers() do names[#names + 1] = name end
        response:set_header("X-Names", table.concat(names, " "))
      end }]], { web })
    local names = ask(n, "/").headers["x-names"]
    assert.matches("content%-length", names)
    assert.matches("x%-added$", names)
  end)

  it("sees arguments and the normalised path", function()
    local n = start([[
      return { request = function(r)
        local first, list = r:args()
        local many, why = r:args(1)
        return neap.reply { body = table.concat({ first.a, first.b, #list, tostring(many), why,
          tostring(r.normal_path), tostring(neap.url.path(r.path)) }, "|") }
      end }]], { web })
    assert.equal("1|x y|3|nil|url: more than 1 arguments|/admin|/admin",
      ask(n, "/x/..//%61dmin?a=1&b=x+y&a=2").body)
    assert.equal("1||2|nil|url: more than 1 arguments|nil|nil", ask(n, "/..%2fadmin?a=1&b").body)
  end)

  it("has neap's parts, sealed, and no others", function()
    local n = start([[
      local set = assert(neap.ip.set { "127.0.0.0/8" })
      return { request = function(r)
        local parts = { set:has(r.client_ip), neap.base64.encode "neap", neap.url.encode "a b",
          (pcall(function() neap.ip.set = 1 end)), (pcall(function() return neap.nothing end)),
          (pcall(function() set.has = 1 end)), getmetatable(set) }
        for i, part in ipairs(parts) do parts[i] = tostring(part) end
        return neap.reply { body = table.concat(parts, "|") }
      end }]], { web })
    assert.equal("true|bmVhcA==|a%20b|false|false|true|false", ask(n, "/").body)
  end)
end)
