-- Asks Stance whether to let a request through: `http-request lua.stance <resource>`. See docs/gateways/haproxy.md.
--
-- Sets txn.stance_allowed, and what Stance says of the request, only on an answer 200. Any other answer is given to the client
-- as it is. What fails here leaves txn.stance_allowed unset, and the rule after this one has to deny: HAProxy goes on after an
-- error in a script.

local ADDRESS = os.getenv('STANCE_ADDRESS') or '127.0.0.1:9180'
-- HAProxy tries up to four times: no answer within four seconds is none.
local TIMEOUT_MS = 1000

-- What Stance is told of the client's request beside the certificate.
local FORWARDED = { 'accept', 'accept-language', 'traceparent' }
-- What the client is told of a denial.
local RETURNED = { 'content-type', 'content-language', 'cache-control', 'content-security-policy', 'referrer-policy',
  'x-content-type-options', 'www-authenticate', 'x-stance-denial' }
-- What the application is told of an allowed request.
local TOLD = { device = 'x-stance-device', user = 'x-stance-user', decision = 'x-stance-decision',
  warning = 'x-stance-warning' }

local function first(headers, name)
  return headers ~= nil and headers[name] ~= nil and headers[name][0] or nil
end

local function ask(txn, resource)
  local headers = { host = { ADDRESS }, ['x-ssl-client-cert'] = { txn:get_var('txn.device_certificate') or '' } }
  local sent = txn.http:req_get_headers()
  for _, name in ipairs(FORWARDED) do
    headers[name] = { first(sent, name) }
  end
  return core.httpclient():get({ url = 'http://' .. ADDRESS .. '/authorize/' .. resource, headers = headers, timeout = TIMEOUT_MS })
end

core.register_action('stance', { 'http-req' }, function(txn, resource)
  local response = ask(txn, resource)
  if response.status == 200 then
    for name, header in pairs(TOLD) do
      local value = first(response.headers, header)
      if value ~= nil then txn:set_var('txn.stance_' .. name, value) end
    end
    txn:set_var('txn.stance_allowed', true)
  elseif response.status == 401 or response.status == 403 then
    local reply = txn:reply({ status = response.status, body = response.body })
    for _, name in ipairs(RETURNED) do
      local value = first(response.headers, name)
      if value ~= nil then reply:add_header(name, value) end
    end
    txn:done(reply)
  end
end, 1)
