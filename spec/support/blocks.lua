-- A long text that looks different everywhere, in blocks: what is lost, sent twice, swapped or
-- replaced by zeros on its way changes its sum.
--
--   blocks.SIZE; blocks.at(i) → the block of that number, SIZE bytes
-- As a program: luajit spec/support/blocks.lua COUNT   writes blocks 1 … COUNT

local SIZE = 65536

local function noise()
  local bytes, dice = {}, 1
  for i = 1, SIZE do
    dice = (dice * 1103515245 + 12345) % 2147483648
    bytes[i] = string.char(math.floor(dice / 65536) % 256)
  end
  return table.concat(bytes)
end

local twice = noise():rep(2)

local function at(i)
  local turned = i * 4099 % SIZE
  return ("%016d"):format(i) .. twice:sub(turned + 1, turned + SIZE - 16)
end

if not ... or tonumber((...)) then
  for i = 1, tonumber((...) or 0) do io.write(at(i)) end
end

return { SIZE = SIZE, at = at }
