#!/usr/bin/env bash
# packaging/build.sh without its two release builds, which take some twenty minutes on two cores: in the place of cargo, rustup,
# rustc and llvm-profdata stand scripts that note what they were asked, and hand out the debug build. The training
# is a real one, each time.
#
#   tests/packaging.sh TAVS
set -euo pipefail
tavs=$(realpath -e "${1:?a tavs}")
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
bin=$folder/sysroot/lib/rustlib/here/bin
mkdir -p "$bin" "$folder/path"

stand_in() { printf '#!/usr/bin/env bash\nset -euo pipefail\n%s\n' "$2" >"$1"; chmod +x "$1"; }
stand_in "$folder/path/rustup" "echo \"rustup \$*\" >>'$folder/asked'"
stand_in "$folder/path/rustc" "[ \"\$1\" = -vV ] && echo 'host: here' || echo '$folder/sysroot'"
stand_in "$folder/path/cargo" "
    echo \"cargo \$CARGO_ENCODED_RUSTFLAGS \$*\" | tr '\\037' '|' >>'$folder/asked'
    while [ \"\$1\" != --target-dir ]; do shift; done
    mkdir -p \"\$2/here/release\" && cp '$tavs' \"\$2/here/release/tavs\""
stand_in "$bin/llvm-profdata" "echo \"llvm-profdata \$*\" >>'$folder/asked'; [ \"\$2\" = --output ] && echo profile >\"\$3\""

export CARGO_TARGET_DIR="$folder/with a blank" RUSTFLAGS="-Ca=b  -Cc=d" FEATURES=parquet ROUNDS=1
PATH=$folder/path:$PATH packaging/build.sh >"$folder/told"
shipped=$CARGO_TARGET_DIR/shipped
[ "$(tail -n 1 "$folder/told")" = "$shipped/tavs" ]
cmp "$tavs" "$shipped/tavs"
[ "$(cat "$shipped/tavs.profdata")" = profile ]
grep -c '^trained: ' "$folder/told" | grep -qx 2

# By the profile that lies there: one build.
(cd "$shipped" && PATH=$folder/path:$PATH "$OLDPWD/packaging/build.sh" --profile tavs.profdata >/dev/null)
how="build --release --locked --bin tavs --target here --target-dir"
diff - "$folder/asked" <<END
rustup component add llvm-tools
cargo -Ca=b|-Cc=d|-Cprofile-generate=$shipped/counted $how $shipped/instrumented --features parquet
llvm-profdata merge --output $shipped/new.profdata $shipped/counted
cargo -Ca=b|-Cc=d|-Cprofile-use=$shipped/new.profdata $how $shipped/guided --features parquet
cargo -Ca=b|-Cc=d|-Cprofile-use=$shipped/tavs.profdata $how $shipped/guided --features parquet
END

# What it does not know it says, and builds nothing.
if PATH=$folder/path:$PATH packaging/build.sh --features parquet 2>/dev/null; then exit 1; fi
