-- The board as unit specs see it: the very structs of src/shm.
--
--   local board = require "support.board"
--   board.lib            its functions
--   board.create() → struct board *, unmapped when the spec ends
--   board.str(text) → struct str
--   board.member{ name =, host =, port =, weight =, tier =, slots =, url = } → struct board_member
--   board.publish(b, "pool", { "a:1", "b:2" }) → pool, { slots }     as members, in that order
--   board.members(b, pool) → { slots }
--   board.name(b, slot), board.reason(b, slot) → text

local probe = require "support.probe"
local scope = require "support.scope"

local ffi = probe.ffi
local board = {}

-- Rows before the board that is made of them, and that before what is done with it.
local headers = {
  "base/histogram", "crypto/tls_reason", "shm/row_acme", "shm/row_certificate", "shm/stats",
  "shm/board_size", "shm/board_plan", "shm/row_backend", "shm/row_budget", "shm/row_counter",
  "shm/row_history", "shm/row_hook", "shm/row_life", "shm/row_pool", "shm/row_queue",
  "shm/row_recording",
  "shm/row_self_signed", "shm/row_service", "shm/row_shadow", "shm/row_story", "shm/row_tickets",
  "shm/row_twice", "shm/row_worker",
  "shm/board", "shm/board_worker", "shm/board_cell", "shm/board_clear", "shm/board_state",
  "shm/board_backend", "shm/board_pool", "shm/board_queue", "shm/board_budget",
  "shm/board_counter", "shm/board_service", "shm/board_hook", "shm/board_outlier",
  "shm/board_suspect", "shm/board_story", "shm/board_life", "shm/board_carry", "shm/board_shadow",
  "shm/board_tickets",
}

-- FFI reads no preprocessor lines, no atomics (plain loads of aligned words are as good on the
-- machines of these specs) and no inline functions.
local function declarations()
  local text = ""
  for _, name in ipairs(headers) do text = text .. scope.read("src/" .. name .. ".h") end
  text = text:gsub("/%*.-%*/", ""):gsub("\n#[^\n]*", "\n")
  text = text:gsub("static inline[^{]*%b{}", "")
  text = text:gsub("_Alignas%((%d+)%)", "__attribute__((aligned(%1)))"):gsub("_Atomic ", "")
  -- FFI knows no structs of 512 MiB: the last members, the large ones, are left out.
  text = text:gsub("struct board_histogram latency%[.-\n};", "};")
  return "struct str { const char *p; size_t n; }; struct error { int code; char text[1024]; };"
    .. "enum err { ERR_OK }; typedef struct file FILE;" .. text
end

board.lib = probe.load(declarations())

local Region = {}
Region.__index = Region
function Region:dispose() board.lib.board_destroy(self.b) end

function board.create()
  local made = ffi.new "struct board *[1]"
  assert(board.lib.board_create(made, nil) == 0)
  scope.add(setmetatable({ b = made[0] }, Region))
  return made[0]
end

function board.str(text) return ffi.new("struct str", text, #text) end

function board.member(fields)
  local m = ffi.new "struct board_member"
  for _, key in ipairs { "name", "host", "url", "zone", "path" } do
    if fields[key] then ffi.copy(m.text[key], fields[key]) end
  end
  m.text.port = fields.port or 80
  m.weight, m.tier, m.slots = fields.weight or 1, fields.tier or 0, fields.slots or 0
  return m
end

function board.set_members(b, pool, slots)
  board.lib.board_pool_set_members(b, pool, ffi.new("int32_t[?]", #slots, slots), #slots)
end

function board.publish(b, pool_name, names)
  local pool = board.lib.board_pool_publish(b, board.str(pool_name))
  local slots = {}
  for i, name in ipairs(names) do
    local m = board.member { name = name }
    slots[i] = board.lib.board_backend_publish(b, pool, m, "STATE_UNKNOWN")
  end
  board.set_members(b, pool, slots)
  return pool, slots
end

function board.members(b, pool)
  local to, list = ffi.new "int32_t[256]", {}
  for i = 0, board.lib.board_pool_members(b, pool, to, 256) - 1 do list[i + 1] = to[i] end
  return list
end

function board.text(b, slot)
  local text = ffi.new "struct board_text"
  if not board.lib.board_backend_text(b, slot, b.backends[slot].epoch, text) then return nil end
  return text
end

function board.name(b, slot)
  local text = board.text(b, slot)
  return text and ffi.string(text.name)
end

function board.reason(b, slot)
  local to = ffi.new "char[128]"
  return ffi.string(to, board.lib.board_reason(b, slot, to, 128))
end

return board
