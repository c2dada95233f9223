-- Registries that lie, or whose place something else has taken: nothing they say harms more than
-- what they are asked for.
local admin = require "support.admin"
local null = require("cjson").null
local discovered = require "support.discovered"
local eventually = require "support.eventually"
local origin = require "support.origin"
local scope = require "support.scope"

describe("a registry that lies", function()
  -- A server that first gives the good answer, and then what its file says: "STATUS BODY".
  local function liar(good)
    local path = scope.directory() .. "/answer"
    scope.write(path, "200 " .. good)
    local o = origin.start {
      allow_errors = true,
      handler = function(conn, request)
        local status, body = scope.read(path):match "^(%d+) (.*)$"
        if body == "endless" then
          conn:send "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          local line = ("10000\r\n%s\r\n"):format(("x"):rep(65536))
          while conn:send(line) do conn:wait(0.001) end
          return nil
        end
        if request.target:find "watch" and status == "200" and body == good then conn:wait(0.2) end
        return { status = tonumber(status), body = body,
          headers = { ["X-Consul-Index"] = tostring(#body) } }
      end,
    }
    return o, function(answer)
      scope.write(path .. ".new", answer)
      assert(os.rename(path .. ".new", path))
    end
  end

  local function base64(text)
    local lib = require "neap.text.base64"
    return lib.encode(text)
  end

  local web
  before_each(function() web = origin.start {} end)

  local KINDS = {
    etcd = {
      settings = "prefix = '/web/'",
      good = function()
        return ('{"header":{"revision":"5"},"count":"1","kvs":[{"key":"%s","value":"%s"}]}')
          :format(base64 "/web/1", base64(web.address))
      end,
      bad = { '{"header":7,"kvs":7}', '{"header":{"revision":"x"}}', '{"kvs":[1,{"key":5}]}',
        '{"header":{"revision":"6"},"kvs":[{"key":"=","value":{}}],"count":{}}', "[]", "7" },
    },
    consul = {
      settings = "service = 'web'",
      good = function()
        return ('[{"Service":{"Address":"127.0.0.1","Port":%d}}]'):format(web.port)
      end,
      bad = { "7", '{"a":1}', '[{"Service":7,"Node":7}]', '[{"Service":{"Port":{},"Tags":7}}]',
        '[{"Service":{"Address":"a b","Port":1}}]', '[{"Service":{"Port":1e308}}]' },
    },
    kubernetes = {
      settings = "service = 'web', namespace = 'x'",
      good = function()
        return ('{"metadata":{"resourceVersion":"5"},"items":[{"metadata":{"name":"a"},'
          .. '"ports":[{"port":%d}],"endpoints":[{"addresses":["127.0.0.1"]}]}]}')
          :format(web.port)
      end,
      bad = { "7", '{"items":7}', '{"metadata":{"resourceVersion":"6"},"items":[1,[]]}',
        '{"metadata":{"resourceVersion":"6"},"items":[{"ports":[1],"endpoints":[[],1]}]}',
        '{"metadata":{"continue":"x"},"items":[]}' },
    },
  }

  local function start(kind, url)
    return discovered.start(('type = %q, endpoints = { %q }, %s, max_bytes = 300000')
      :format(kind, url, KINDS[kind].settings))
  end

  local function told(n)
    return eventually(function()
      local found = admin.status(n).pools[1].discover.error
      return found ~= null and found
    end, 40)
  end

  for kind, case in pairs(KINDS) do
    it("as " .. kind .. " keeps no good list from serving", function()
      local good = case.good()
      local o, set = liar(good)
      local n = start(kind, o.url)
      eventually(function() return n:get("/").status == 200 end)
      for _, body in ipairs(case.bad) do
        set("200 " .. body)
        local why = told(n)
        assert.is_true(#why < 700, why)
        assert.is_nil(why:find "%c")
        assert.equal(200, n:get("/").status)
      end
    end)

    it("as " .. kind .. " cannot send without end", function()
      local o, set = liar(case.good())
      local n = start(kind, o.url)
      eventually(function() return n:get("/").status == 200 end)
      set "200 endless"
      assert.is_truthy(told(n):find "too large")
      assert.equal(200, n:get("/").status)
      assert.is_true(admin.status(n).agent.lua_bytes < 64 * 2 ^ 20)
    end)
  end
end)
