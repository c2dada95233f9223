# bash completion for neap(8)

_neap_files() {
  local IFS=$'\n'
  compopt -o filenames
  COMPREPLY=($(compgen -f -X "!*.@($1)" -- "$2") $(compgen -d -- "$2"))
}

_neap_words() { COMPREPLY=($(compgen -W "$1" -- "$2")); }

_neap() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=
  local verbs="check convert demo down drain explain help init logs record reload replay sim status top
    undrain up weight"
  local policies="canary cookie ewma first hash least_connections random rate_limit round_robin
    source two_choices zone"
  shopt -q extglob || shopt -s extglob
  [ "$COMP_CWORD" -lt 2 ] || verb=${COMP_WORDS[1]}

  case $before in
    -c | --config) _neap_files 'lua|json' "$word"; return ;;
    -p | --pid-file | --trace | --html | --svg | --token-file) _neap_files '*' "$word"; return ;;
    -w | -l | --workers | --listen | --pid | --rate | --duration | --backends | --seed | --admin \
      | --last | --pool | --filter | --seconds | --count | --redact | --keep) return ;;
    --policy | --against)
      _neap_files lua "$word"
      COMPREPLY+=($(compgen -W "$policies" -- "$word"))
      return
      ;;
    --from) _neap_words "nginx haproxy" "$word"; return ;;
    --service) _neap_words "fixed: exponential: lognormal: bimodal:" "$word"; return ;;
  esac
  case $verb in
    check) _neap_words "-c --config -h --help" "$word" ;;
    reload) _neap_words "-c --config -p --pid-file --pid -h --help" "$word" ;;
    status) _neap_words "-c --config --admin --json -h --help" "$word" ;;
    top) _neap_words "-c --config --admin -h --help" "$word" ;;
    explain) _neap_words "-c --config --admin --json --last --pool --failed -h --help" "$word" ;;
    drain | undrain | up | down | weight)
      _neap_words "-c --config --admin --token-file -h --help" "$word"
      ;;
    logs) _neap_words "-c --config -f --follow --filter --last -h --help" "$word" ;;
    demo) _neap_words "-l --listen --tls -w --workers --backend -h --help" "$word" ;;
    help) _neap_words "$verbs" "$word" ;;
    init) _neap_files '*' "$word" ;;
    convert)
      if [[ $word == -* ]]; then _neap_words "-o --from --help" "$word"
      else _neap_files 'conf|cfg' "$word"; fi
      ;;
    record)
      if [[ $word == -* ]]; then
        _neap_words "-c --config --admin --token-file --seconds --count --redact --keep -h --help" \
          "$word"
      else
        _neap_files '*' "$word"
      fi
      ;;
    replay)
      if [[ $word == -* ]]; then _neap_words "--policy --against --rows --fixture --json --help" "$word"
      else _neap_files '*' "$word"; fi
      ;;
    sim)
      _neap_words "--policy --against --rate --duration --backends --service --concurrency --trace
        --event --balancers --seed --json --html --svg --help" "$word"
      ;;
    *)
      if [ "$COMP_CWORD" = 1 ] && [[ $word != -* ]]; then
        _neap_words "$verbs" "$word"
      else
        _neap_words "-c --config -d --daemon -h --help -l --listen -p --pid-file -t --test --tls
          -v --version -w --workers --watch" "$word"
      fi
      ;;
  esac
}

complete -F _neap neap
