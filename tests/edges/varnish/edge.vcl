# A Varnish that forgets when it is told to, and says truthfully what it did.
# @ORIGIN_HOST@ and @ORIGIN_PORT@ are where Galerra listens. See ../README.md.
vcl 4.1;

import std;
import xkey;

include "guard.vcl";

backend origin {
  .host = "@ORIGIN_HOST@";
  .port = "@ORIGIN_PORT@";
  .connect_timeout = 2s;
  .first_byte_timeout = 10s;
  .between_bytes_timeout = 10s;
}

# Who may purge: the service, and nobody else.
acl purgers {
  "127.0.0.1";
  "::1";
}

# One copy for each path, whatever name a visitor used for this host: a probe then sees the copy that visitors see.
sub vcl_hash {
  hash_data(req.url);
  return (lookup);
}

sub vcl_recv {
  unset req.http.x-fwd;
  unset req.http.x-purged;

  if (req.method == "PURGE") {
    if (client.ip !~ purgers) {
      return (synth(403, "Forbidden"));
    }
    # A purge without tags would be a purge of one URL, host and all: nobody here means that.
    if (req.http.xkey-purge !~ "^[a-z0-9][a-z0-9 -]*$") {
      return (synth(400, "xkey-purge names no tags"));
    }
    # Hard purge across hosts, queries and variants; it is done when it returns.
    set req.http.x-purged = xkey.purge(req.http.xkey-purge);
    # Tags are ids: they may stand in a log that has no headers.
    std.log("purged:" + req.http.xkey-purge);
    return (synth(200, "Purged " + req.http.x-purged));
  }

  if (req.method != "GET" && req.method != "HEAD") {
    return (pass);
  }
  # Varnish answers what it cannot cut with an error of its own; the whole is allowed, and costs nobody anything.
  if (req.http.Range ~ ",") {
    unset req.http.Range;
  }
  if (req.http.Authorization) {
    return (pass);
  }
  # Cookies go through to the origin and change nothing here: what depends on one is private, and not stored.
  return (hash);
}

# Why the request went to the origin. What the guard did not store comes through vcl_miss, and is a miss.
sub vcl_miss {
  set req.http.x-fwd = "uri-miss";
}

sub vcl_pass {
  set req.http.x-fwd = "bypass";
}

sub vcl_backend_response {
  # Never serve what should be gone while asking for it again, and keep nothing to compare with.
  set beresp.grace = 0s;
  set beresp.keep = 0s;
}

sub vcl_deliver {
  if (obj.hits > 0) {
    set resp.http.Cache-Status = server.identity + "; hit; ttl=" + regsub(obj.ttl, "\..*$", "");
  } else {
    set resp.http.Cache-Status = server.identity + "; fwd=" + req.http.x-fwd + "; fwd-status=" + resp.status;
    if (!obj.uncacheable && obj.ttl > 0s) {
      set resp.http.Cache-Status = resp.http.Cache-Status + "; stored";
    }
  }
  # Tags are for this edge only.
  unset resp.http.xkey;
  unset resp.http.X-HashTwo;
  unset resp.http.Via;
  unset resp.http.X-Varnish;
}

sub vcl_synth {
  set resp.http.Content-Type = "text/plain";
  set resp.http.Cache-Control = "no-store";
  synthetic(resp.reason);
  return (deliver);
}
