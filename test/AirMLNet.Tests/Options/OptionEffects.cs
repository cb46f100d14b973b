using System.Reflection;
using System.Text.RegularExpressions;
using AirMLNet.Tests.Repository;

namespace AirMLNet.Tests.Options;

/// <summary>
/// What each option changes: for every property of an options record a change that gives another model, output or error, or the
/// test that shows its effect in another way.
/// </summary>
internal sealed class OptionEffects<T>(T basis)
    where T : class
{
    private readonly List<(string Option, Func<T, T> Change, Func<T, T> Given)> _changes = [];
    private readonly List<(string Option, string Test)> _elsewhere = [];

    /// <summary>An option whose change is seen.</summary>
    /// <param name="option">The property.</param>
    /// <param name="change">Sets it to another value.</param>
    /// <param name="given">What must be set for the option to matter; nothing where null.</param>
    public OptionEffects<T> Changes(string option, Func<T, T> change, Func<T, T>? given = null)
    {
        _changes.Add((option, change, given ?? (o => o)));
        return this;
    }

    /// <summary>
    /// An option whose effect another test shows: <paramref name="test"/> is <c>Class.Method</c>, in a file that names the option.
    /// </summary>
    public OptionEffects<T> SeenIn(string option, string test)
    {
        _elsewhere.Add((option, test));
        return this;
    }

    /// <summary>Asserts that every property has its entry and that every entry is true.</summary>
    /// <param name="outcome">What options lead to, as text: the same for equal options.</param>
    public void Check(Func<T, string> outcome)
    {
        var faults = new List<string>();
        var properties = typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(p => p.Name).ToArray();
        var named = _changes.Select(c => c.Option).Concat(_elsewhere.Select(e => e.Option)).ToArray();
        faults.AddRange(properties.Except(named).Select(p => $"{p}: no check says what it changes"));
        faults.AddRange(named.Except(properties).Select(p => $"{p}: there is no such option"));
        faults.AddRange(_elsewhere.Where(e => !Exists(e.Test, e.Option)).Select(e => $"{e.Option}: no test {e.Test} that names it"));

        var known = new Dictionary<T, string>();
        foreach (var (option, change, given) in _changes)
        {
            var before = given(basis);
            if (!known.TryGetValue(before, out var expected))
            {
                known.Add(before, expected = outcome(before));
                Assert.DoesNotStartWith(Error, expected, $"{option}: what it is compared with must work");
            }

            if (Outcome(change(before)) == expected)
            {
                faults.Add($"{option}: the change changes nothing");
            }
        }

        Assert.IsEmpty(faults, $"{typeof(T).Name}\n{string.Join('\n', faults)}");

        string Outcome(T options)
        {
            try
            {
                return outcome(options);
            }
            catch (Exception e)
                when (e
                        is ArgumentException
                            or InvalidOperationException
                            or OperationCanceledException
                            or IOException
                            or InvalidDataException
                )
            {
                return $"{Error} {e.GetType().Name} {e.Message}";
            }
        }
    }

    private const string Error = "error:";

    private static bool Exists(string test, string option)
    {
        var parts = test.Split('.');
        return SourceTree
            .CSharpFiles("test")
            .Where(path => Path.GetFileNameWithoutExtension(path) == parts[0])
            .Select(path => File.ReadAllText(Path.Combine(SourceTree.Root, path)))
            .Any(text => Regex.IsMatch(text, $@"\b(void|Task) {parts[1]}\(") && Regex.IsMatch(text, $@"\b{option}\b"));
    }
}
