# fish completion for neap(8)

set -l changes drain undrain up down weight
set -l asks status top explain record $changes

function __neap_has_no_command
    not __fish_seen_subcommand_from check convert demo down drain explain help init logs record reload \
        replay sim status top undrain up weight
end

complete -c neap -n __neap_has_no_command -a check -d 'Check the config and its policies'
complete -c neap -n __neap_has_no_command -a convert -d "Read nginx's or HAProxy's config"
complete -c neap -n __neap_has_no_command -a demo -d 'Four toy backends, and the balancer'
complete -c neap -n __neap_has_no_command -a down -d 'A backend gets nothing at all'
complete -c neap -n __neap_has_no_command -a drain -d 'A backend gets nothing new'
complete -c neap -n __neap_has_no_command -a explain -d 'Why a request went where it went'
complete -c neap -n __neap_has_no_command -a help -d 'What a command takes'
complete -c neap -n __neap_has_no_command -a init -d 'Write a project'
complete -c neap -n __neap_has_no_command -a logs -d 'The last lines of the log files'
complete -c neap -n __neap_has_no_command -a record -d 'Keep what policies see of live traffic'
complete -c neap -n __neap_has_no_command -a reload -d 'Start serving by the changed config'
complete -c neap -n __neap_has_no_command -a replay -d 'Try a policy on what was recorded'
complete -c neap -n __neap_has_no_command -a sim -d 'Try a policy in a simulation'
complete -c neap -n __neap_has_no_command -a status -d 'What a running neap does'
complete -c neap -n __neap_has_no_command -a top -d 'The same, live'
complete -c neap -n __neap_has_no_command -a undrain -d 'Checks and requests decide again'
complete -c neap -n __neap_has_no_command -a up -d 'A backend gets requests whatever its checks find'
complete -c neap -n __neap_has_no_command -a weight -d "Set a backend's weight"

complete -c neap -s c -l config -r -d 'The config, ending in .lua or .json'
complete -c neap -s h -l help -d 'What goes with this command'
complete -c neap -n __neap_has_no_command -s t -l test -d 'Check the config, then end'
complete -c neap -n __neap_has_no_command -s v -l version -d 'Print the version'
complete -c neap -n __neap_has_no_command -s d -l daemon -d 'Detach; returns when ready'
complete -c neap -n __neap_has_no_command -l watch -d 'Reload when the config changes'
complete -c neap -n '__neap_has_no_command; or __fish_seen_subcommand_from demo' \
    -s l -l listen -x -d 'Listen here'
complete -c neap -n '__neap_has_no_command; or __fish_seen_subcommand_from demo' \
    -l tls -d 'https, with a certificate for trying out'
complete -c neap -n '__neap_has_no_command; or __fish_seen_subcommand_from demo' \
    -s w -l workers -x -d 'Number of workers'
complete -c neap -n '__neap_has_no_command; or __fish_seen_subcommand_from reload' \
    -s p -l pid-file -r -d "The file with the master's pid"
complete -c neap -n '__fish_seen_subcommand_from reload' -l pid -x -d "The master's process"
complete -c neap -n "__fish_seen_subcommand_from $asks" -l admin -x -d 'Where the admin side is'
complete -c neap -n "__fish_seen_subcommand_from record $changes" \
    -l token-file -r -d "A file with the admin side's token"
complete -c neap -n '__fish_seen_subcommand_from status explain' -l json -d 'Everything, as JSON'
complete -c neap -n '__fish_seen_subcommand_from explain logs' -l last -x -d 'So many'
complete -c neap -n '__fish_seen_subcommand_from explain' -l pool -x -d 'Only those of that pool'
complete -c neap -n '__fish_seen_subcommand_from explain' -l failed -d 'Only those with a failure'
complete -c neap -n '__fish_seen_subcommand_from logs' -s f -l follow -d 'Go on with what comes'
complete -c neap -n '__fish_seen_subcommand_from logs' -l filter -x -d 'Only lines with this text'
complete -c neap -n '__fish_seen_subcommand_from record' -l seconds -x -d 'How long'
complete -c neap -n '__fish_seen_subcommand_from record' -l count -x -d 'How many requests at most'
complete -c neap -n '__fish_seen_subcommand_from record' -l redact -x -d 'Hide this header'
complete -c neap -n '__fish_seen_subcommand_from record' -l keep -x -d 'Show this header'
complete -c neap -n '__fish_seen_subcommand_from demo' -l backend -x -a 'web1 web2 web3 web4' \
    -d 'Start one of its backends again'
complete -c neap -n '__fish_seen_subcommand_from help' -x -a 'check convert demo down drain explain init
    logs record reload replay sim status top undrain up weight'
complete -c neap -n '__fish_seen_subcommand_from convert' -s o -r -d 'The folder to write to'
complete -c neap -n '__fish_seen_subcommand_from convert' -l from -x -a 'nginx haproxy' -d 'Whose config'
