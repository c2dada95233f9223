-- neap.reply { file = … }: small files that were read with the policy.
local neap = require "support.neap"
local testing = require "neap.testing"

describe("neap.reply with a file", function()
  local FILES = { ["web/sorry.html"] = "<p>sorry", ["web/data.json"] = "{}", ["sorry.html"] = "no" }

  local function start(policy, more)
    local files = { ["web/policy.lua"] = 'local neap = require "neap"\n' .. policy }
    for name, text in pairs(FILES) do files[name] = text end
    return neap.start {
      config = neap.config({ 1 }, 'policy = "web/policy.lua"' .. (more or "")), files = files,
    }
  end

  it("sends the file beside the policy that its source names", function()
    local n = start [[
      local data = neap.reply { status = 200, file = "data" .. ".json" }
      return { request = function(request)
        if request.path == "/data" then return data end
        return neap.reply { status = 503, headers = { ["Retry-After"] = "5" }, file = "sorry.html" }
      end }]]
    local response = n:get()
    assert.same({ 503, "<p>sorry", "text/html; charset=utf-8", "5" }, { response.status,
      response.body, response.headers["content-type"], response.headers["retry-after"] })
    response = n:get "/data"
    assert.same({ 200, "{}", "application/json" }, { response.status, response.body,
      response.headers["content-type"] })
    for _ = 1, 50 do assert.equals("<p>sorry", n:get().body) end
  end)

  it("has the type that headers say", function()
    local n = start [[
      return { request = function()
        return neap.reply { file = "sorry.html", headers = { ["content-type"] = "text/x" } }
      end }]]
    assert.equals("text/x", n:get().headers["content-type"])
  end)

  it("errs for names that nobody could know at load", function()
    local n = start [[
      return { request = function(request)
        return neap.reply { file = request.path:sub(2) }
      end }]]
    n:allow "hook request"
    assert.is_truthy(n:get("/data.json").headers["x-neap-error"])
    n:wait_log "data.json: it was not read when the policy was loaded"
  end)

  it("errs for a name in a call that is no file", function()
    local n = start [[
      return { request = function()
        return neap.reply { file = "gone.html" }
      end }]]
    n:allow "hook request"
    n:get()
    n:wait_log "neap.reply: file: [^\n]*gone.html: there was no such file"
  end)

  it("errs at load when the file is missing, or both body and file are given", function()
    for line, text in pairs {
      ['neap.reply { file = "gone.html" }'] = "neap.reply: file: [^\n]*gone.html",
      ['neap.reply { file = "sorry.html", body = "x" }'] = "body and file do not go together",
      ["neap.reply { file = 7 }"] = "file must be the name of a file",
    } do
      local code, told = neap.check(neap.config({ 1 }, 'policy = "policy.lua"'), { files = {
        ["policy.lua"] = 'local neap = require "neap"\nlocal r = ' .. line .. "\nreturn { r }",
        ["sorry.html"] = "",
      } })
      assert.equals(1, code)
      assert.matches(text, told)
    end
  end)

  it("and the hook error work in the test kit", function()
    local pool
    pool = testing.pool(1, { policy = {
      error = function(_, status, reason)
        if reason == "closed" then return nil end
        return pool:neap().reply { body = status .. " " .. reason,
          headers = { ["X-Own"] = "yes" } }
      end,
      pick = function(request) return nil, request.path:sub(2) end,
    } })
    assert.equals("Service Unavailable: closed\n", pool:send({ path = "/closed" }).body)
    local result = pool:send { path = "/full" }
    assert.same({ 503, "503 full", "yes", "full" }, { result.status, result.body,
      result.headers["x-own"], result.headers["x-neap-error"] })
  end)
end)
