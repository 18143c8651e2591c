#!/usr/bin/env escript
%% What ejabberd makes of addresses, by its own libraries (p1_stringprep, p1_xmpp) and by Erlang's own phash2.
%% Reads a request per line, its texts in hexadecimal, and writes an answer per line, `error` where ejabberd refuses it:
%%   node TEXT, name TEXT, resource TEXT   the text as that profile of stringprep prepares it
%%   jid TEXT                              phash2 of the full JID and of the bare one, both below 2^32
%%   hash LOCAL DOMAIN RESOURCE            phash2 of the three as they are, below 2^32; empty ones are written as -

-mode(compile).

main([]) ->
    {ok, _} = application:ensure_all_started(stringprep),
    ok = jid:start(),
    ok = io:setopts(standard_io, [{encoding, latin1}, binary]),
    loop().

loop() ->
    case io:get_line("") of
        eof -> ok;
        Line ->
            [Request | Texts] = binary:split(string:trim(Line), <<" ">>, [global]),
            Answer = try answer(Request, [text(Text) || Text <- Texts]) catch _:{bad_jid, _} -> "error" end,
            io:put_chars([Answer, "\n"]),
            loop()
    end.

answer(<<"node">>, [Text]) -> prepared(jid:nodeprep(Text));
answer(<<"name">>, [Text]) -> prepared(jid:nameprep(Text));
answer(<<"resource">>, [Text]) -> prepared(jid:resourceprep(Text));
answer(<<"jid">>, [Text]) ->
    Full = jid:tolower(jid:decode(Text)),
    [integer_to_list(hash(Full)), " ", integer_to_list(hash(jid:remove_resource(Full)))];
answer(<<"hash">>, [Local, Domain, Resource]) -> integer_to_list(hash({Local, Domain, Resource})).

hash(Term) -> erlang:phash2(Term, 1 bsl 32).

text(<<"-">>) -> <<>>;
text(Hex) -> << <<(binary_to_integer(Byte, 16))>> || <<Byte:2/binary>> <= Hex >>.

prepared(error) -> "error";
prepared(<<>>) -> "-";
prepared(Text) -> [io_lib:format("~2.16.0b", [Byte]) || <<Byte>> <= Text].
