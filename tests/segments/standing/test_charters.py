from segments.standing.charters import Charter, Section, charter_html, charter_markdown

PAGE = Charter(
    title="Charter: account <7>",
    subtitle="as of today | never",
    sections=(
        Section(heading="What we sell them", rows=(("Tea & <b>", "£10.00"),), lines=("*bought* most",)),
        Section(heading="Risks"),
    ),
)


def test_the_page_says_everything_and_takes_data_as_text():
    markdown, html = charter_markdown(PAGE), charter_html(PAGE)
    assert "| Tea & \\<b\\> | £10.00 |" in markdown
    assert "- \\*bought\\* most" in markdown
    assert "<td>Tea &amp; &lt;b&gt;</td><td>£10.00</td>" in html
    for page in (markdown, html):
        assert "Risks" in page
    assert "http" not in html
