-- Rules that keep somebody out: converted as such, or in the list of what is not converted.
local neap = require "support.neap"
local scope = require "support.scope"

local function convert(name, text, files)
  local dir = scope.directory()
  for file, content in pairs(files or {}) do scope.write(dir .. "/" .. file, content) end
  scope.write(dir .. "/" .. name, (text:gsub("FOLDER", dir)))
  local code, out, err = neap.run({ "convert", name }, { cwd = dir })
  return out, err, code
end

local function nginx(server)
  return convert("nginx.conf", ("events {}\nhttp { server { listen 8080; location / { %s\n"
    .. "proxy_pass http://10.0.0.1:80; } } }\n"):format(server))
end

local FRONT = "frontend f\n  mode http\n  bind :8080\n%s  default_backend b\n"
  .. "backend b\n  mode http\n%s  server s 10.0.0.1:80\n"

describe("a converted rule that refuses", function()
  it("is not ended by tcp-request … accept", function()
    local out = convert("haproxy.cfg", FRONT:format(
      "  tcp-request content accept if HTTP\n  http-request deny if { path /denied }\n", ""))
    local request = out:match "function front.request%(r%)(.-)\n  end\n"
    assert.is_truthy(request:find("403", 1, true), out)
    assert.is_nil(request:find("do return end", 1, true))
  end)

  it("of unix sockets is none of everybody", function()
    local out = nginx "allow unix:; deny all;"
    assert.is_truthy(out:find('{ "allow", "unix:" }', 1, true), out)
    assert.is_nil(out:find('{ "allow", "all" }', 1, true))
  end)

  it("asks for a password where no address is allowed", function()
    local out = convert("nginx.conf", "events {}\nhttp { server { listen 8080; location / {"
      .. " satisfy any; allow 10.0.0.0/8; auth_basic x; auth_basic_user_file FOLDER/u;"
      .. " proxy_pass http://10.0.0.1:80; } } }\n", { u = "ann:{PLAIN}x\n" })
    assert.is_truthy(out:find("r.client_ip, false) then", 1, true), out)
  end)

  it("is told where it has no counterpart", function()
    for text, said in pairs {
      [FRONT:format("", "  tcp-request content reject if { src 10.0.0.0/8 }\n")] =
        "tcp-request: write it in the frontend",
      ["defaults\n  mode http\n  http-request deny if { path /x }\n" .. FRONT:format("", "")] =
        "http-request in defaults: write it in the frontends",
      [FRONT:format("  http-request deny if { src -f FOLDER/long }\n", "")] =
        "more than 10000 patterns",
    } do
      local _, err, code = convert("haproxy.cfg", text, { long = ("10.0.0.1\n"):rep(10001) })
      assert.equal(2, code)
      assert.is_truthy(err:find(said, 1, true), err)
    end
  end)
end)
