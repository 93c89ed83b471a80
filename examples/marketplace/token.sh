#!/usr/bin/env bash
# Issues a token for a plan: ./token.sh [PLAN]. It makes the key for that when it is run first, and
# puts the public half where the validator finds it. Wants OpenSSL 3.
set -euo pipefail
cd "$(dirname "$0")"

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

key=target/issuer.pem
if [[ ! -f $key || ! -f keys/jwks.json ]]; then
    mkdir -p target
    openssl genpkey -algorithm ed25519 -out "$key"
    # The last 32 bytes of the public key's DER are the key itself.
    x=$(openssl pkey -in "$key" -pubout -outform DER | tail -c 32 | base64url)
    echo "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"demo\",\"x\":\"$x\"}]}" >keys/jwks.json
fi

header='{"alg":"EdDSA","typ":"JWT","kid":"demo"}'
claims="{\"iss\":\"https://login.example.com\",\"aud\":\"picture-market\",\"sub\":\"demo\",\"plan\":\"${1:-free}\",\"exp\":$(($(date +%s) + 3600))}"
signed="$(printf %s "$header" | base64url).$(printf %s "$claims" | base64url)"
# OpenSSL signs files only by this algorithm: it has to know the length.
text=$(mktemp)
trap 'rm -f "$text"' EXIT
printf %s "$signed" >"$text"
echo "$signed.$(openssl pkeyutl -sign -inkey "$key" -rawin -in "$text" | base64url)"
