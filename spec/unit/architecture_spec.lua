-- docs/architecture.md is read, not repeated: what it names is there, and its tables are whole.

local Page = require "support.page"
local tree = require "support.tree"

local page = Page.read "docs/architecture.md"
local ROOTS = { "", "src/", "lua/neap/", "lua/" }
local ENDINGS = { "", ".c", ".h", ".lua" }

-- The path that a word of the page means; nil: there is no such file or folder.
local function path_of(word)
  for _, root in ipairs(ROOTS) do
    for _, ending in ipairs(ENDINGS) do
      if tree.exists(root .. word .. ending) then return root .. word .. ending end
    end
  end
end

local function is_file_somewhere(name)
  for _, folder in ipairs { "src", "lua" } do
    for _, path in ipairs(tree.files(folder)) do
      if path:match "[^/]+$" == name then return true end
    end
  end
  return false
end

local function is_path(word)
  return not word:find "[%s(]" and (word:find "^[%w_.-]+/" or word:find "^[%w_]+%.[chl][ua]*$")
end

-- `policy/<name>.lua` means the folder.
local function is_there(word)
  local plain = word:gsub("[^/]*<.*", "")
  if plain == "" then return false end
  return path_of(plain) ~= nil or (not plain:find "/" and is_file_somewhere(plain))
end

local function missing(words, is_meant, exists)
  local list = {}
  for _, word in ipairs(words) do
    if is_meant(word) and not exists(word) then list[#list + 1] = word end
  end
  return list
end

local function all_code()
  local texts = {}
  for _, folder in ipairs { "src", "lua" } do
    for _, path in ipairs(tree.files(folder)) do texts[#texts + 1] = tree.code(path) end
  end
  return table.concat(texts, "\n")
end

local function sorted(list)
  table.sort(list)
  return list
end

-- "`app`: main · `admin`: …" → { "app", "admin" }; each piece begins with its room.
local function rooms_of(cell)
  local rooms = {}
  for piece in (cell .. " · "):gmatch "(.-) · " do rooms[#rooms + 1] = piece:match "^`(%w+)`" end
  return sorted(rooms)
end

local function floors_of_layers()
  local floors = {}
  for line in io.lines ".ci/layers" do
    local number, rooms = line:match "^(%d+)%s+(.*)$"
    if number then floors[number] = {} end
    for room in (rooms or ""):gmatch "%S+" do table.insert(floors[number], room) end
    if number then sorted(floors[number]) end
  end
  return floors
end

local function folders_in(folder)
  local list, seen = {}, {}
  for _, path in ipairs(tree.files(folder)) do
    local name = path:sub(#folder + 2):match "^([^/]+)/"
    if name and not seen[name] then list[#list + 1] = name end
    seen[name or ""] = true
  end
  return sorted(list)
end

-- The lines of the picture that stands in a fence of that section.
local function picture(title)
  local fence = page:section(title):match "\n```\n(.-)```"
  local lines = {}
  for line in assert(fence, title .. " has no picture"):gmatch "([^\n]*)\n" do
    lines[#lines + 1] = line
  end
  return lines
end

-- { room = { file = its line } }: a line begins with its room, or goes on with the one before, and
-- what stands to the right of the files explains them.
local function places_of_files()
  local places, room = {}, nil
  for number, line in ipairs(picture "The data plane") do
    room = line:match "^(%l+)" or room
    places[room] = places[room] or {}
    for file in line:sub(13, 55):gmatch "[%w_]+" do places[room][file] = number end
  end
  return places
end

local function files_in(room)
  local names = {}
  for _, path in ipairs(tree.files("src/" .. room)) do
    names[path:match "([%w_]+)%.[ch]$"] = true
  end
  return names
end

local function includes_above(room, lines)
  local found = {}
  for _, path in ipairs(tree.files("src/" .. room)) do
    local from = path:match "([%w_]+)%.[ch]$"
    for _, included in ipairs(tree.includes(path)) do
      local to = included:match("^" .. room .. "/([%w_]+)%.h$")
      if to and lines[to] < lines[from] then found[#found + 1] = path .. ": " .. included end
    end
  end
  return found
end

-- The enumerators of an enum, in their order.
local function values_of(path, name)
  local values = {}
  local body = assert(tree.code(path):match("enum " .. name .. "%s*(%b{})"), name)
  for value in body:gmatch "[%u_]+" do values[#values + 1] = value end
  return values
end

local function first_words(rows)
  local words = {}
  for _, row in ipairs(rows) do words[#words + 1] = row[1]:match "`([^`]+)`" end
  return words
end

describe("docs/architecture.md", function()
  it("names files and folders that exist", function()
    assert.same({}, missing(page:quoted(), is_path, is_there))
  end)

  it("and CONTRIBUTING.md names those, too", function()
    assert.same({}, missing(Page.read("CONTRIBUTING.md"):quoted(), is_path, is_there))
  end)

  it("names functions, values and structs that the code has", function()
    local code = all_code()
    local function is_name(word)
      return word:find "^%l[%l%d]*_[%l%d_]+$" or word:find "^%u[%u%d]*_[%u%d_]+$"
        or word:find "^struct [%l%d_]+$" or word:find "^enum [%l%d_]+$"
    end
    assert.same({}, missing(page:quoted(), is_name, function(word)
      return code:find("%f[%w_]" .. word .. "%f[^%w_]")
    end))
  end)

  it("names keys of the config and members of neap that their pages have", function()
    local reference = tree.read "docs/config.md" .. tree.read "docs/lua-api.md"
    assert.same({}, missing(page:quoted(), function(word)
      return word:find "^[%l_]+%.[%l_]+$" and not is_path(word)
    end, function(word)
      local section, key = word:match "^(.-)%.(.*)$"
      local has_both = reference:find("\n## " .. section, 1, true)
        and reference:find("`" .. key .. "`", 1, true)
      return reference:find(word, 1, true) or has_both
    end))
  end)

  it("has the floors of .ci/layers", function()
    local floors = {}
    for _, row in ipairs(page:rows "Floors") do floors[row[1]] = rooms_of(row[2]) end
    assert.same(floors_of_layers(), floors)
  end)

  it("draws each room on its floor", function()
    local floors = {}
    for _, line in ipairs(picture "Floors") do
      local floor, rest = line:match "^ (%d)%s+(.*)$"
      if floor then floors[floor] = {} end
      for room in (rest or ""):gmatch "%l+" do table.insert(floors[floor], room) end
      if floor then sorted(floors[floor]) end
    end
    assert.same(floors_of_layers(), floors)
  end)

  it("draws each file of the data plane above those that it includes", function()
    for room, lines in pairs(places_of_files()) do
      local drawn = {}
      for file in pairs(lines) do drawn[file] = true end
      assert.same(files_in(room), drawn)
      assert.same({}, includes_above(room, lines))
    end
  end)

  it("has the states of an exchange and of a tunnel", function()
    assert.same(values_of("src/exchange/phase.h", "exchange_state"),
      first_words(page:rows("States", 1)))
    assert.same(values_of("src/exchange/tunnel.h", "tunnel_state"),
      first_words(page:rows("States", 2)))
  end)

  it("has the rooms that are built, and no other folder is in src", function()
    local rooms, built = {}, {}
    for _, list in pairs(floors_of_layers()) do
      for _, room in ipairs(list) do rooms[#rooms + 1] = room end
    end
    for room in tree.read("CMakeLists.txt"):gmatch "\nneap_room%((%w+)" do
      built[#built + 1] = room
    end
    assert.same(sorted(rooms), sorted(built))
    assert.same(rooms, folders_in "src")
  end)

  it("has each folder of lua/neap, and the files that a row names stand there", function()
    local folders = {}
    for _, row in ipairs(page:rows("Floors", 2)) do
      for folder in row[1]:gmatch "`(%w+)/`" do
        folders[#folders + 1] = folder
        assert.same({}, missing(Page.quoted_in(row[2]), function(word)
          return word:find "^[%w_]+%.lua$"
        end, function(word) return tree.exists("lua/neap/" .. folder .. "/" .. word) end), folder)
      end
    end
    assert.same(folders_in "lua/neap", sorted(folders))
  end)

  it("says for each thing to add where that is", function()
    for _, row in ipairs(page:rows "Where to add things") do
      assert.equals(3, #row, row[1])
      assert.is_true(row[2]:find("`", 1, true) ~= nil, row[1])
    end
  end)
end)
