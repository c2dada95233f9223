-- usage: luajit .ci/layers.lua FILE...    (C files under src/)
-- A file includes its own room and rooms of lower floors only; .ci/layers states the floors.

local function read_floors(path)
  local floors = {}
  for line in io.lines(path) do
    local number, rooms = line:match "^(%d+)%s+(.*)$"
    for room in (rooms or ""):gmatch "%S+" do floors[room] = tonumber(number) end
  end
  return floors
end

local function judge(floors, own, room)
  if not floors[room] then return "is no room of .ci/layers" end
  if own == room or floors[room] < floors[own] then return nil end
  return floors[room] == floors[own] and "is a sibling" or "is on a higher floor"
end

local function check_file(floors, path)
  local own, bad, number = path:match "^src/([^/]+)/", 0, 0
  if not floors[own] then
    print(path .. ": " .. tostring(own) .. " is no room of .ci/layers")
    return 1
  end
  for line in io.lines(path) do
    number = number + 1
    local included = line:match '^%s*#%s*include%s+"([^"]+)"'
    local room = included and (included:match "^([^/]+)/" or included)
    local complaint = room and judge(floors, own, room)
    if complaint then
      print(("%s:%d: includes \"%s\": %s %s"):format(path, number, included, room, complaint))
      bad = bad + 1
    end
  end
  return bad
end

local floors, bad = read_floors ".ci/layers", 0
for _, path in ipairs(arg) do bad = bad + check_file(floors, path) end
os.exit(bad == 0 and 0 or 1)
