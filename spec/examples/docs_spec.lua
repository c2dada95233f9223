-- The code in README.md and docs/tutorial.md does what the text says.
local stat = require "posix.sys.stat"
local example = require "support.example"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

describe("the code in the documentation", function()
  local function blocks(path)
    local list = {}
    for code in scope.read(path):gmatch "```lua\n(.-)```" do
      table.insert(list, code)
      local name = code:match "^%-%- ([%w_]+%.lua)\n"
      if name then list[name] = code end
    end
    return list
  end

  local function start(config, files, web)
    return neap.start {
      config = example.moved(config, { [8081] = web[1], [8082] = web[2], [8083] = web[3] }),
      files = files,
      args = { "-w", "1" },
    }
  end

  it("README.md: a session stays with its backend", function()
    local code = blocks "README.md"
    local _, lines = code[1]:gsub("[^\n]+", "")
    assert.is_true(lines < 10)
    local n = start(code[2], { ["sticky.lua"] = code[1] }, origin.several(3))
    local first = n:get("/", { Cookie = "session=alice" }).body
    for _ = 1, 4 do assert.equal(first, n:get("/", { Cookie = "session=alice" }).body) end
    local seen = {}
    for _ = 1, 6 do seen[n:get("/").body] = true end
    assert.same({ web1 = true, web2 = true, web3 = true }, seen)
  end)

  local function tutorial()
    local code = blocks "docs/tutorial.md"
    local check
    for _, one in ipairs(code) do check = one:find "^function policy.check" and one or check end
    local policy = code["policy.lua"]:gsub("return policy\n$", "")
    code["policy.lua"] = policy .. check .. "\nreturn policy\n"
    code["config.lua"] = code["config.lua"]:gsub("}\n$", '  policy = "policy.lua",\n}\n')
    return code
  end

  it("docs/tutorial.md: the policy pings, picks, marks and checks", function()
    local code, web = tutorial(), origin.several(3)
    local n = start(code["config.lua"], { ["policy.lua"] = code["policy.lua"] }, web)
    assert.equal("pong\n", n:get("/ping").body)
    local first = n:get("/", { Cookie = "user=anna" })
    assert.matches("^127%.0%.0%.1:%d+$", first.headers["x-served-by"])
    assert.equal(first.body, n:get("/", { Cookie = "user=anna" }).body)
    example.checked(n, web)
  end)

  it("docs/tutorial.md: its spec passes", function()
    local code, dir = tutorial(), scope.directory()
    scope.write(dir .. "/policy.lua", code["policy.lua"])
    scope.write(dir .. "/policy_spec.lua", code["policy_spec.lua"])
    local status, stdout = process.run {
      argv = { "busted", "--lua=luajit", "policy_spec.lua" }, cwd = dir, dir = dir, name = "busted",
    }
    assert.equal(0, status, stdout)
    assert.matches("2 successes", stdout)
  end)

  it("compiles, on every page", function()
    local pages = { "README.md", "docs/tutorial.md", "docs/policies.md", "docs/operations.md" }
    for _, name in ipairs(example.names()) do
      table.insert(pages, ("examples/%s/README.md"):format(name))
    end
    for _, page in ipairs(pages) do
      for _, code in ipairs(blocks(page)) do assert(loadstring(code, "=" .. page)) end
    end
  end)

  it("has no link that leads nowhere", function()
    local pages = { "README.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md" }
    local names = { "tutorial", "policies", "http", "operations", "architecture", "health" }
    for _, name in ipairs(names) do
      table.insert(pages, ("docs/%s.md"):format(name))
    end
    for _, page in ipairs(pages) do
      local folder = page:match "^(.*/)" or ""
      for target in scope.read(page):gmatch "%]%(([^)#]+)[^)]*%)" do
        local is_here = not target:find "^%a+:"
        assert.is_true(not is_here or stat.stat(folder .. target) ~= nil, page .. ": " .. target)
      end
    end
  end)
end)
