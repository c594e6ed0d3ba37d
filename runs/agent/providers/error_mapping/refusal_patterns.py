"""Patterns of the error messages of servers. All are searched in lower-case text of bounded length."""

import re


def _words(text: str) -> re.Pattern[str]:
    return re.compile(text, re.VERBOSE)


MONEY_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_balance_exhausted",
        "insufficient_credits",
        "insufficient_balance",
        "insufficient_user_quota",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "spend_limit_exceeded",
        "spend_limit_reached",
        "key_spend_limit_exceeded",
        "budget_exceeded",
        "billing_error",
        "exceeded_current_quota_error",
        "payment_required",
        "arrearage",
        "accountoverdueerror",
        "1113",
    }
)
MONEY = _words(
    r"""
      insufficient\ (?:account\ )?(?:balance|credits?|funds|quota)
    | (?:balance|credits?|funds)\ (?:is|are)\ (?:too\ low|insufficient|exhausted|not\ enough)
    | not\ enough\ (?:balance|credits?|funds) | out\ of\ credits? | no\ credits\ (?:left|remaining)
    | requires\ more\ credits | purchase\ (?:more\ )?credits | add\ (?:more\ )?credits
    | does\ ?n[o']t\ have\ any\ credits | used\ all\ (?:available|your)\ credits
    | exceeded\ your\ (?:current\ quota|monthly\ (?:included\ )?(?:quota|credits|limit))
    | (?:spend(?:ing)?|usage|credit|budget|key|billing\ hard)\ limits?\ (?:has\ been\ |was\ |is\ |have\ been\ )?
      (?:exceeded|reached|hit|exhausted)
    | (?:reached|exceeded|hit)\ (?:your|its|the|their)\ (?:\w+\ ){0,3}(?:spend(?:ing)?|usage|credit|budget)\ limits?
    | reaching\ the\ monthly\ spending\ limit | failure\ to\ pay
    | budget\ has\ been\ exceeded | exceeded\ budget
    | payment\ required | billing\ (?:is\ )?not\ (?:active|enabled) | enable\ billing | billing\ to\ be\ enabled
    | account\ is\ in\ good\ standing | suspended\ due\ to\ insufficient
    | free-models-per-day | trial\ key,\ which\ is\ limited\ to\ \d+\ api\ calls
    | free\ tier\ (?:quota|allocation)\ (?:has\ been\ )?exhausted | allocated\ quota\ exceeded,\ please\ increase
    | 余额不足 | 欠费
    """
)
NO_QUOTA_AT_ALL = re.compile(r"limit: 0(?![\d.])")
"""Google reports a quota of 0 for models outside of the plan."""

_TOOLS = r"(?:tools|functions|(?:tool|function)[ _-](?:use|using|call|calls|calling|invocations?))"
NO_TOOLS = _words(
    rf"""
      (?:does\ ?n[o']t|do\ not|don't|cannot)\ (?:currently\ |yet\ )?support\ (?:the\ use\ of\ )?
      (?:native\ |any\ |the\ )?
      ["'`]?{_TOOLS}["'`]?(?:\ parameter)?(?![\w-])(?!\ (?:with|when|of|that|together|in\ combination)\b)
    | (?<!parallel\ )(?<!strict\ )(?<!custom\ )(?<!built-in\ )(?<!hosted\ )(?<![\w-])
      ["'`]?{_TOOLS}["'`]?(?:\ parameter)?\ (?:is|are)\ (?:unsupported|not\ (?:currently\ |yet\ )?
      (?:supported|enabled|available))
      (?!\ (?:when|together|in\ combination|with\ (?!th(?:is|e)\ model))\b)
    | no\ endpoints\ found\ that\ support\ tool\ use
    | requires\ --enable-auto-tool-choice
    | tools\ param(?:eter)?\ requires\ --jinja
    | does\ not\ support\ parameters:\ \[[^\]]{{0,200}}'tools'
    | no\ support\ for\ {_TOOLS}
    """
)

ELSEWHERE = _words(
    r"""
      unsupported_country_region_territory | country,?\ region,?\ or\ territory\ not\ supported
    | (?:user\ )?location\ is\ not\ supported | not\ (?:available|supported)\ in\ your\ (?:country|region|location)
    | unsupported_region | (?:country|region|location)\ (?:is\ )?(?:blocked|restricted|forbidden)
    | free\ tier\ is\ not\ available\ in\ your\ country
    | (?:project|organization|account|team|workspace)\ \S{0,120}?\ ?
      (?:does\ not|doesn't|must)\ (?:have\ access|be\ verified)
    | no\ access\ to\ (?:the\ )?model | (?:not|n't)\ have\ access\ to\ (?:the\ |this\ )?model
    | model_permission_blocked | is\ blocked\ at\ the\ (?:organization|project)\ level
    | model_terms_required | requires\ terms\ acceptance | you\ don't\ have\ access\ to\ the\ model
    | not\ authorized\ to\ (?:access|use)\ (?:this|the)\ model | key\ not\ allowed\ to\ access\ model
    | (?:team|key|user)\ not\ allowed\ to\ access\ model | no\ endpoints\ found\ matching\ your\ data\ policy
    | no\ endpoints\ available\ matching\ your\ guardrail
    | model\ access\ is\ denied | organization\ has\ been\ (?:disabled|restricted|blocked)
    """
)
"""The key is valid, but the region, the model or a policy forbids the request."""
KEY_CODES = frozenset(
    {
        "invalid_api_key",
        "api_key_invalid",
        "authentication_error",
        "invalid_authentication_error",
        "unauthenticated",
        "invalid_token",
        "incorrect_api_key",
        "expired_api_key",
        "missing_api_key",
        "api_key_missing",
        "access_token_type_unsupported",
        "unrecognizedclientexception",
        "expiredtokenexception",
        "invalidsignatureexception",
    }
)
KEY = re.compile(
    r"\b(?:api|access|secret|auth|bearer|virtual|proxy|trial)[ _-]?(?:key|token)s?\b|\bcredentials?\b"
    r"|\bauthenticat|\bauthoriz(?:ation|e)[ _-]header\b|\b(?:invalid|incorrect|expired|revoked|missing|unknown) "
    r"(?:key|token)\b|\bunregistered callers\b|\bmissing scopes\b"
)
WRONG_KEY = re.compile(
    r"(?:invalid|incorrect|wrong|malformed|expired|revoked|missing|unknown) (?:\w+ )?(?:api[ _-]?key|access token)"
    r"|api[ _-]?key (?:\S{1,80} )?(?:is |was |has |has been |has )?"
    r"(?:not valid|invalid|incorrect|expired|revoked|missing|not found|reported as leaked|disabled)"
    r"|no api[ _-]?key (?:provided|found|passed)"
)

BLOCKED = _words(
    r"""
      content_filter | content_policy_violation | responsibleaipolicyviolation | content_blocked
    | contentpolicyviolation | input\ was\ flagged | flagged\ (?:for|by)\ | moderation_blocked
    | data_inspection_failed | datainspectionfailed
    | prohibited_content | content\ management\ policy | inappropriate\ content
    | rejected\ as\ a\ result\ of\ our\ safety\ system | sensitive_words_detected
    """
)

WRONG_PATH = _words(
    r"""
      unexpected\ endpoint\ or\ method | ollama\ is\ running | 404\ page\ not\ found | file\ not\ found
    | cannot\ (?:post|get)\ / | invalid\ url\ \( | unknown\ (?:endpoint|route|path|url)
    | no\ route\ (?:matches|found|for)
    | (?:route|endpoint|path|url|page|resource)\ (?:\S{1,120}\ )?(?:was\ |could\ )?
      (?:not\ found|not\ be\ found|does\ not\ exist)
    | unrecognized\ request\ url | no\ (?:post|get)\ /\S{1,200}\ here | requested\ url\ was\ not\ found
    | http\ request\ to\ an\ https\ server | plain\ http\ request\ was\ sent\ to\ https
    | method\ not\ allowed | no\ static\ resource | no\ handler\ found
    """
)
BARE_NOT_FOUND = frozenset({"not found", "not found.", "404 not found", "404: not found", "error 404", "404"})
ABOUT_MODEL = re.compile(r"\bmodels?\b|\bdeployment\b|\bengine\b")

OVERLOADED = re.compile(
    r"overloaded|over capacity|at capacity|no capacity|capacity exceeded|temporarily unavailable|high demand"
    r"|(?:server|model) is (?:too )?busy"
    r"|loading model|model is (?:still |currently )?loading|no available (?:channel|server|instance)"
    r"|service unavailable"
)
RATE = re.compile(r"rate.?limit|too many requests|throttl|resource_exhausted|resource exhausted|limit_requests")
SERVER = re.compile(
    r"internal (?:server )?error|bad gateway|gateway time.?out|upstream|server_error|provider returned error"
    r"|stopped unexpectedly|out of memory|engine (?:core )?(?:dead|died|crash)|connection (?:reset|refused|error)"
    r"|try again|timed? ?out"
)

STATUS_OF_CODE = {
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "rate_limit_reached_error": 429,
    "too_many_requests": 429,
    "resource_exhausted": 429,
    "throttlingexception": 429,
    "overloaded_error": 529,
    "overloaded": 529,
    "engine_overloaded_error": 529,
    "server_is_overloaded": 529,
    "unavailable": 503,
    "unavailable_error": 503,
    "service_unavailable": 503,
    "service_unavailable_error": 503,
    "serviceunavailableexception": 503,
    "timeout_error": 504,
    "deadline_exceeded": 504,
    "server_error": 500,
    "internal": 500,
    "internal_error": 500,
    "internal_server_error": 500,
    "internalservererror": 500,
    "api_error": 500,
    "invalid_request_error": 400,
    "invalid_argument": 400,
    "badrequesterror": 400,
    "invalid_prompt": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "unauthenticated": 401,
    "permission_error": 403,
    "permission_denied": 403,
    "not_found_error": 404,
    "not_found": 404,
    "model_not_found": 404,
    "notfounderror": 404,
    "request_too_large": 413,
}
"""The usual HTTP status of an error code, for errors without a status; names in lower case."""
