-- What is shipped for Prometheus and Grafana asks for metrics that there are.
local cjson = require "cjson"
local families = dofile "lua/neap/admin/families.lua"
local scope = require "support.scope"

local RULES = "packaging/prometheus/neap.rules.yml"
local DASHBOARD = "packaging/grafana/neap.json"

local function known_names()
  local known = {}
  for _, row in ipairs(families.rows) do
    known[row[1]] = true
    if row[2] == "histogram" then known[row[1] .. "_bucket"] = true end
  end
  return known
end

local function unknown_in(text)
  local known, unknown = known_names(), {}
  for name in text:gmatch "neap_[%l_]+" do
    if not known[name] then table.insert(unknown, name) end
  end
  return unknown
end

-- Expressions as rules of their own, for promtool.
local function check(expressions)
  local dir = scope.directory()
  local lines = { "groups:\n- name: x\n  rules:\n" }
  for i, expr in ipairs(expressions) do
    local quoted = cjson.encode(expr):gsub("\\/", "/")
    table.insert(lines, ("  - record: x:%d\n    expr: %s\n"):format(i, quoted))
  end
  scope.write(dir .. "/rules.yml", table.concat(lines))
  return os.execute(("promtool check rules %s/rules.yml >%s/output 2>&1"):format(dir, dir)) == 0,
    scope.read(dir .. "/output")
end

describe("what is shipped for monitoring", function()
  it("has rules that Prometheus takes, about metrics that there are", function()
    assert.equals(0, os.execute(("promtool check rules %s >/dev/null"):format(RULES)))
    assert.same({}, unknown_in((scope.read(RULES):gsub("neap%.rules", ""))))
  end)

  it("has a dashboard whose queries are right", function()
    local dashboard = cjson.decode(scope.read(DASHBOARD))
    local expressions = {}
    for _, panel in ipairs(dashboard.panels) do
      for _, target in ipairs(panel.targets) do
        assert.same({}, unknown_in(target.expr))
        table.insert(expressions, (target.expr:gsub("%$__rate_interval", "1m")))
      end
    end
    assert.is_true(#expressions > 20)
    local ok, why = check(expressions)
    assert.is_true(ok, why)
  end)

  it("has a page that lists each metric", function()
    local page = scope.read "docs/metrics.md"
    for _, row in ipairs(families.rows) do
      assert.is_truthy(page:find(("| `%s` | %s |"):format(row[1], row[2]), 1, true), row[1])
    end
  end)
end)
