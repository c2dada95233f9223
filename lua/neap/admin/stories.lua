-- Stories of requests (GET /explain) as text for a terminal: `neap explain`. Control characters are
-- taken out of texts from outside.

local decode = require("cjson.safe").decode
local plain = require "neap.admin.plain"
local sorted = require "neap.sorted"
local words = require "neap.words"

local stories = {}

local clean = plain.text

local function duration(s)
  if not s then return "–" end
  if s < 0.001 then return ("%.0f µs"):format(s * 1e6) end
  if s < 1 then return ("%.3g ms"):format(s * 1e3) end
  return ("%.2f s"):format(s)
end

local Page = {}
Page.__index = Page

function Page:line(text, colour)
  text = clean(text)
  if colour and self.is_terminal then text = ("\27[%sm%s\27[0m"):format(colour, text) end
  table.insert(self.lines, text)
end

-- Names separated by commas, in lines of the page's width.
function Page:wrapped(first, names)
  local line = first
  for i, name in ipairs(names) do
    local word = clean(name) .. (i < #names and ", " or "")
    if #line + #word > self.columns and #line > #first then
      self:line(line)
      line = (" "):rep(#first)
    end
    line = line .. word
  end
  self:line(line)
end

-- One line for each name, with the reason given for it.
local function named(page, word, said)
  for _, name in ipairs(sorted.keys(said or {})) do
    page:line(("      %s %s: %s"):format(word, clean(name), clean(said[name])), "33")
  end
end

local function members(page, step)
  if not step.members then return end
  local eligible = step.eligible or {}
  local more = step.eligible_count - #eligible
  local heading = ("      %d of %d may serve: "):format(step.eligible_count,
    step.looked_at or step.members)
  if more > 0 then eligible[#eligible + 1] = ("and %d more"):format(more) end
  page:wrapped(heading, #eligible > 0 and eligible or { "nobody" })
  if step.looked_at then
    page:line(("      (the first %d of %d were looked at)"):format(step.looked_at, step.members))
  end
  named(page, "not", step.not_eligible)
  named(page, "suspect", step.suspects)
end

local function hook(page, number, step)
  local what = step.backend or step.returned
  local why = step.reason and ": " .. clean(step.reason) or ""
  local line = ("  %d. %s"):format(number, clean(step.hook))
  if what then line = ("%s → %s%s  (%s)"):format(line, clean(what), why, duration(step.took)) end
  page:line(line)
  if step.body then page:line(("      it waited %s for the body"):format(duration(step.body))) end
  for _, trouble in ipairs(step.trouble or {}) do page:line("      " .. clean(trouble), "31") end
  members(page, step)
end

local function attempt(page, number, step)
  page:line(("  %d. attempt %d on %s failed: %s (%s, %s); %s"):format(number, step.attempt,
    clean(step.backend), clean(step.message), clean(step.stage), clean(step.kind),
    clean(step.again)), "31")
end

-- How it ended, and whether well.
local function ending(story)
  if story.status == 0 then return "no answer: the client left", true end
  local call = story.grpc_status
  if not call then return "status " .. story.status, story.status < 500 end
  return ("gRPC status %d (%s)"):format(call, words.grpc[call] or "?"), call == 0
end

local function outcome(page, story)
  local status, is_well = ending(story)
  page:line(("  = %s%s, %d attempt%s, %d bytes"):format(status,
    story.backend and " from " .. clean(story.backend) or "", story.attempts,
    story.attempts == 1 and "" or "s", story.bytes), is_well and "32" or "31")
  local waited = (story.queued or 0) > 0
    and ("waited %s for a free slot, "):format(duration(story.queued)) or ""
  page:line(("    %sconnected in %s, first byte after %s, all after %s"):format(waited,
    duration(story.connect), duration(story.first_byte), duration(story.total)))
  if story.reason then page:line("    " .. clean(story.reason), "31") end
  if story.cut then page:line("    (" .. clean(story.cut) .. ")") end
end

local function client_of(tls)
  if not tls.client then return nil end
  local who = tls.client.subject and clean(tls.client.subject) or "an unknown name"
  return ("client %s (%s)"):format(who, tls.client.verified and "verified" or "not verified")
end

local function tls_line(page, tls)
  local parts = { ("by %s"):format(clean(tls.version or "TLS")) }
  if tls.cipher then parts[1] = parts[1] .. " " .. clean(tls.cipher) end
  if tls.sni then parts[1] = parts[1] .. " for " .. clean(tls.sni) end
  for _, part in ipairs { tls.alpn or false, tls.resumed and "resumed", client_of(tls) or false,
    tls.ja4 and "JA4 " .. tls.ja4 } do
    if part then table.insert(parts, clean(part)) end
  end
  page:line("  " .. table.concat(parts, ", "))
end

local function tell_step(page, number, step)
  if step.hook then
    hook(page, number, step)
  elseif step.mirror then
    page:line(("  %d. %s for %s"):format(number, clean(step.copy), clean(step.mirror)))
  elseif step.hedge then
    page:line(("  %d. hedge: %s %s"):format(number, clean(step.backend or "a backend"),
      clean(step.hedge)))
  elseif step.attempt then
    attempt(page, number, step)
  else
    members(page, step)
  end
end

local function tell(page, story)
  page:line(("%s  %s  %s %s%s"):format(clean(story.id), clean(story.time),
    clean(story.method or "tcp"), clean(story.host or ""), clean(story.path or "")), "1")
  local stream = story.stream and (" by HTTP/2, stream %d,"):format(story.stream) or ""
  if story.copy then page:line "  a copy of it, for a mirror" end
  page:line(("  from %s%s to service %s%s"):format(clean(story.client or "a unix socket"), stream,
    clean(story.service), story.pool and ", pool " .. clean(story.pool) or ""))
  if story.tls then tls_line(page, story.tls) end
  for number, step in ipairs(story.steps) do tell_step(page, number, step) end
  outcome(page, story)
  page:line ""
end

local function why_none(value)
  local sample = tonumber(value.sample) or 0
  local rest = sample >= 1 and "all others too"
    or sample > 0 and ("of others one in %.0f"):format(1 / sample) or "no others"
  return ("%s: requests with a failure are always kept, %s (explain.sample)."):format(
    value.kept == 0 and "No stories yet" or "No such story", rest)
end

---@param answer string  of GET /explain
---@return string? text, string? why
function stories.draw(answer, columns, _, is_terminal)
  local value = decode(answer)
  if type(value) ~= "table" or type(value.stories) ~= "table" then
    return nil, "the admin side's answer is not what neap explain expects"
  end
  local page = setmetatable({ columns = columns, is_terminal = is_terminal, lines = {} }, Page)
  for _, story in ipairs(value.stories) do tell(page, story) end
  if #value.stories == 0 then page:line(why_none(value)) end
  return table.concat(page.lines, "\n") .. "\n"
end

return stories
