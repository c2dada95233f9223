# bash completion for neap(8)

_neap_files() {
  local IFS=$'\n'
  compopt -o filenames
  COMPREPLY=($(compgen -f -X "!*.@($1)" -- "$2") $(compgen -d -- "$2"))
}

_neap_words() { COMPREPLY=($(compgen -W "$1" -- "$2")); }

_neap() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=
  local verbs="check demo explain init record reload replay sim status top"
  local policies="canary cookie ewma first hash least_connections random round_robin source
    two_choices zone"
  shopt -q extglob || shopt -s extglob
  [ "$COMP_CWORD" -lt 2 ] || verb=${COMP_WORDS[1]}

  case $before in
    -c) _neap_files 'lua|json' "$word"; return ;;
    -p | --trace | --html | --svg) _neap_files '*' "$word"; return ;;
    -w | -l | --pid | --rate | --duration | --backends | --seed | --admin | --last | --pool) return ;;
    --policy | --against)
      _neap_files lua "$word"
      COMPREPLY+=($(compgen -W "$policies" -- "$word"))
      return
      ;;
    --service) _neap_words "fixed: exponential: lognormal: bimodal:" "$word"; return ;;
  esac
  case $verb in
    check) _neap_words "-c -h" "$word" ;;
    reload) _neap_words "-c -p --pid -h" "$word" ;;
    status | top) _neap_words "-c --admin --json -h" "$word" ;;
    explain) _neap_words "-c --admin --json --last --pool --failed -h" "$word" ;;
    demo) _neap_words "-l --backend -h" "$word" ;;
    init) _neap_files '*' "$word" ;;
    sim)
      _neap_words "--policy --against --rate --duration --backends --service --concurrency --trace
        --event --balancers --seed --json --html --svg --help" "$word"
      ;;
    *)
      if [ "$COMP_CWORD" = 1 ] && [[ $word != -* ]]; then
        _neap_words "$verbs" "$word"
      else
        _neap_words "-c -d -h -l -p -t -v -w --watch" "$word"
      fi
      ;;
  esac
}

complete -F _neap neap
