-- Requests for wrk: each one names another instance, and a rendered one another window.
local number, path, headers, uids = 0, "", {}, {}

init = function(arguments)
  path = arguments[1]
  headers["Authorization"] = arguments[2]
  if arguments[4] then headers["Accept"] = arguments[4] end
  for line in io.lines(arguments[3]) do uids[#uids + 1] = line end
  number = os.time() % 977
end

request = function()
  number = number + 1
  local filled = path:gsub("UID", uids[number % #uids + 1]):gsub("NUMBER", number % #uids)
  filled = filled:gsub("CENTER", 40 + number % 977):gsub("WIDTH", 400 + number % 1009)
  return wrk.format("GET", filled, headers)
end
