-- acl lines and conditions, as expressions of Lua.

local code = require "neap.convert.code"
local fetch = require "neap.convert.haproxy.fetch"

local acl = {}

local KNOWN = { -- that every configuration has
  TRUE = "true", FALSE = "false", HTTP = "true", WAIT_END = "true", REQ_CONTENT = "true",
  LOCALHOST = '(r.client_ip:find "^127%." ~= nil or r.client_ip == "::1")',
  METH_GET = '(r.method == "GET" or r.method == "HEAD")',
  METH_HEAD = '(r.method == "HEAD")', METH_POST = '(r.method == "POST")',
  METH_PUT = '(r.method == "PUT")', METH_DELETE = '(r.method == "DELETE")',
  METH_OPTIONS = '(r.method == "OPTIONS")', METH_CONNECT = '(r.method == "CONNECT")',
  METH_TRACE = '(r.method == "TRACE")',
  ["HTTP_1.0"] = '(r.version == "1.0")', ["HTTP_1.1"] = '(r.version == "1.1")',
  ["HTTP_2.0"] = '(r.version == "2")', HTTP_URL_SLASH = '(r.path:sub(1, 1) == "/")',
  HTTP_URL_STAR = '(r.path == "*")', HTTP_CONTENT = '(r:header "content-length" ~= nil)',
}

local TESTS = { str = "equals", beg = "begins", ["end"] = "ends", sub = "contains",
  dir = "in_folder", dom = "in_domain" }
local COMPARE = { gt = ">", ge = ">=", lt = "<", le = "<=", eq = "==" }

-- path_beg, hdr_end(host): what is fetched, and how it is compared.
local function matcher_of(word)
  local name, argument, rest = fetch.split(word)
  local base, how = (name or ""):match "^(.+)_(%l+)$"
  if base and (TESTS[how] or how == "reg" or how == "len") and base ~= "always" then
    local with = word:sub(#name + 1)
    return base .. with, how
  end
  return word, nil, argument, rest
end

local READ = 10000 -- patterns of a file

local function patterns_of_file(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local found = {}
  local text = file:read(2^20 + 1) or ""
  file:close()
  if #text > 2^20 then return nil, path .. ": more than 1 MiB" end
  for line in text:gmatch "[^\r\n]+" do
    local pattern = line:match "^%s*([^#%s]%S*)"
    if pattern then table.insert(found, pattern) end
  end
  if #found > READ then return nil, ("%s: more than %d patterns"):format(path, READ) end
  return found
end

-- The flags and patterns behind the fetch.
local function parse(words, first, job)
  local p = { patterns = {} }
  local i = first
  while i <= #words do
    local word = words[i]
    if word == "-i" then
      p.ignores_case = true
    elseif word == "-m" then
      i = i + 1
      p.how = words[i]
    elseif word == "-f" then
      i = i + 1
      local found, why = patterns_of_file(job:path(words[i] or ""))
      if not found then return nil, "-f " .. why end
      for _, pattern in ipairs(found) do table.insert(p.patterns, pattern) end
    elseif word == "--" then
      for j = i + 1, #words do table.insert(p.patterns, words[j]) end
      break
    elseif word ~= "-n" and word ~= "-u" then
      table.insert(p.patterns, word)
    end
    i = i + 1
  end
  return p
end

local function any(parts)
  if #parts == 0 then return "false" end
  return #parts == 1 and parts[1] or "(" .. table.concat(parts, " or ") .. ")"
end

local function numbers(sample, p)
  local parts, operator = {}, "=="
  for _, word in ipairs(p.patterns) do
    local low, high = word:match "^(%d*):(%d*)$"
    if COMPARE[word] then
      operator = COMPARE[word]
    elseif low then
      table.insert(parts, ("(%s >= %s and %s <= %s)"):format(sample.code, low ~= "" and low or "0",
        sample.code, high ~= "" and high or "2^53"))
    elseif word:find "^%d+$" then
      table.insert(parts, ("%s %s %s"):format(sample.code, operator, word))
    else
      return nil, ("'%s' is no number"):format(word)
    end
  end
  return any(parts)
end

local function addresses(sample, p, job)
  if #p.patterns == 0 then return nil, "which addresses?" end
  local t = code.table()
  for _, word in ipairs(p.patterns) do
    if not word:find "^[%x:.]+/?%d*$" or word:find "/.*/" then -- linear: short words
      return nil, ("'%s' is no address"):format(word)
    end
    t:add(code.text(word))
  end
  return ("%s:has(%s)"):format(job:constant("NETS",
    ("assert(neap.ip.set %s)"):format(code.render(t, 0))), sample.code)
end

local function regexes(sample, p, job)
  local parts = {}
  for _, pattern in ipairs(p.patterns) do
    table.insert(parts, ("matches(%s, %s)"):format(
      job:regex(pattern, p.ignores_case and "i" or ""), sample.code))
  end
  return any(parts)
end

-- Several patterns are a list that is made once.
local function pattern_list(p, job)
  local t = code.table()
  for _, pattern in ipairs(p.patterns) do
    t:add(code.text(p.ignores_case and pattern:lower() or pattern))
  end
  if #p.patterns == 1 then return t.items[1].value end
  return job:constant("LISTS", code.render(t, 0))
end

local function texts(sample, p, job)
  if p.how == "reg" then return regexes(sample, p, job) end
  if p.how == "len" then
    return numbers({ code = ('#(%s or "")'):format(sample.code) }, p)
  end
  local test = TESTS[p.how or "str"]
  if not test then return nil, ("-m %s is not understood"):format(p.how) end
  if #p.patterns == 0 then return ("%s ~= nil"):format(sample.code) end
  local value = p.ignores_case and ("lower(%s)"):format(sample.code) or sample.code
  return ("%s(%s, %s, %s)"):format(sample.kind == "list" and "one_fits" or "fits", test, value,
    pattern_list(p, job))
end

local function truth(sample, p)
  local wants = p.patterns[1] ~= "0" and p.patterns[1] ~= "false"
  return wants and sample.code or ("not %s"):format(sample.code)
end

local function number_test(sample, p)
  if #p.patterns == 0 then return sample.code .. " ~= 0" end
  if sample.kind == "number" then return numbers(sample, p) end
  return numbers({ code = ("(tonumber(%s) or -1)"):format(sample.code) }, p)
end

local function found(sample) return ("(%s) ~= nil"):format(sample.code) end

local BY_METHOD = { found = found, bool = truth, int = number_test, ip = addresses }
local BY_KIND = { bool = truth, number = number_test, ip = addresses }

-- What is fetched, and how it is compared.
local function sample_of(words, first, job, section)
  local word, how = matcher_of(words[first] or "")
  local sample, why = fetch.sample(word, job, section)
  if sample or not how then return sample, sample and how or why end
  return fetch.sample(words[first], job, section)
end

-- A criterion: words from `first` on.
---@return string? expression, string? why
function acl.criterion(words, first, job, section)
  local sample, how = sample_of(words, first, job, section)
  if not sample then return nil, how end
  local p, why = parse(words, first + 1, job)
  if not p then return nil, why end
  p.how = p.how or how
  local test = p.how and BY_METHOD[p.how] or not p.how and BY_KIND[sample.kind] or texts
  return test(sample, p, job)
end

-- The acl lines of a section: functions of the table `acl` there.
---@return table<string, string>  -- the expression that asks each
function acl.define(job, section, out)
  local order, parts = {}, {}
  for _, line in ipairs(section:rules { acl = true }) do
    local name = line[2] or ""
    local expression, why = acl.criterion(line, 3, job, section)
    if not parts[name] then
      parts[name] = {}
      table.insert(order, name)
    end
    if expression then
      table.insert(parts[name], expression)
    else
      out:remark(job.notes:lacks(line, ("acl %s: %s"):format(name, why)))
      parts[name].bad = why
    end
  end
  local names, taken = {}, {}
  if #order > 0 then out:add("local acl = {}") end
  for _, name in ipairs(order) do
    local own = code.free_name(taken, name)
    local body = any(parts[name])
    names[name] = { code = ("acl.%s(r)"):format(own), bad = #parts[name] == 0 and parts[name].bad }
    local r = body:find "%f[%w_]r%f[^%w_]" and "r" or ""
    if body:find "%f[%w_]a[.:]" then
      names[name].code, r = ("acl.%s(r, a)"):format(own), "r, a"
    end
    out:add("function acl.%s(%s) return %s end", own, r, body)
  end
  return names
end

-- { words } in a condition: the words, and where it goes on.
local function anonymous(words, at)
  local inner = {}
  for i = at + 1, #words do
    if words[i] == "}" then return inner, i + 1 end
    table.insert(inner, words[i])
  end
  return nil
end

-- An acl by its name: one of the section, or one that is always there.
local function named(word, names)
  local known = names[word]
  if known and known.bad then return nil, known.bad end
  local expression = known and known.code or not known and KNOWN[word]
  if expression then return expression end
  return nil, ("there is no acl '%s'"):format(word)
end

local function negate(expression)
  return expression:find(" ", 1, true) and ("not (%s)"):format(expression) or "not " .. expression
end

local function term(words, at, job, section, names)
  local negated, word = (words[at]):match "^(!?)(.*)$"
  if word == "" then
    at = at + 1
    word = words[at] or ""
  end
  local expression, why
  local stop = at + 1
  if word == "{" then
    local inner
    inner, stop = anonymous(words, at)
    if not inner then return nil, "a { has no end" end
    expression, why = acl.criterion(inner, 1, job, section)
  else
    expression, why = named(word, names)
  end
  if not expression then return nil, why end
  return negated == "!" and negate(expression) or expression, stop
end

-- The condition behind `if` or `unless` in a line, from the word `first` on.
---@return string? expression  -- "true" without a condition
---@return string|integer|nil why, or the place of the `if`
function acl.condition(words, first, job, section, names)
  local at
  for i = first, #words do
    if words[i] == "if" or words[i] == "unless" then
      at = i
      break
    end
  end
  if not at then return "true", #words + 1 end
  local ors, ands, i = {}, {}, at + 1
  while i <= #words do
    if words[i] == "or" or words[i] == "||" then
      table.insert(ors, table.concat(ands, " and "))
      ands, i = {}, i + 1
    else
      local expression, stop = term(words, i, job, section, names)
      if not expression then return nil, stop end
      table.insert(ands, expression)
      i = stop
    end
  end
  table.insert(ors, table.concat(ands, " and "))
  for _, part in ipairs(ors) do
    if part == "" then return nil, "the condition is empty" end
  end
  local expression = table.concat(ors, " or ")
  if words[at] == "unless" then expression = ("not (%s)"):format(expression) end
  return expression, at
end

return acl
