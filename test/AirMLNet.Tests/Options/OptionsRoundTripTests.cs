using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.Features;
using AirMLNet.Options;
using AirMLNet.Synthesis;
using AirMLNet.Tests.Repository;
using Microsoft.ML;

namespace AirMLNet.Tests.Options;

/// <summary>Every options record of both libraries goes through JSON whole, whatever its values.</summary>
[TestClass]
public sealed class OptionsRoundTripTests
{
    public static IEnumerable<object[]> Records =>
        new[] { typeof(ClipConfig).Assembly, typeof(ClipFeatureOptions).Assembly }
            .SelectMany(assembly => assembly.GetExportedTypes())
            .Where(type => type.Name.EndsWith("Options", StringComparison.Ordinal) && type.GetMethod("<Clone>$") is not null)
            .Select(type => new object[] { type });

    [TestMethod]
    public void ThereAreRecords() => Assert.IsGreaterThan(10, Records.Count());

    [TestMethod]
    [DynamicData(nameof(Records))]
    public void WithEveryPropertyAtAnotherValue_ItComesBackAsItWas(Type type)
    {
        var options = Other(type);
        foreach (var property in Written(type))
        {
            Assert.AreNotEqual(
                JsonSerializer.Serialize(property.GetValue(New(type)), OptionsJson.Settings),
                JsonSerializer.Serialize(property.GetValue(options), OptionsJson.Settings),
                $"{type.Name}.{property.Name} has its default"
            );
        }

        var json = Write(type, options);
        var back = typeof(OptionsJson).GetMethod(nameof(OptionsJson.Read))!.MakeGenericMethod(type).Invoke(null, [json])!;
        Assert.AreEqual(json, Write(type, back));
        foreach (var property in Written(type).Where(p => p.PropertyType.IsValueType || p.PropertyType == typeof(string)))
        {
            Assert.AreEqual(property.GetValue(options), property.GetValue(back), property.Name);
        }
    }

    /// <summary>A saved model must not hold what only the running program knows.</summary>
    [TestMethod]
    [DynamicData(nameof(Records))]
    public void WhatOnlyTheRunningProgramKnows_IsNotWritten(Type type)
    {
        foreach (var property in Public(type).Where(p => IsOfTheProgram(p.PropertyType)))
        {
            Assert.IsNotNull(property.GetCustomAttribute<JsonIgnoreAttribute>(), $"{type.Name}.{property.Name}");
        }
    }

    /// <summary>Whatever options a public estimator takes, with those inside them, some test asks of each what it changes.</summary>
    [TestMethod]
    public void EveryOptionsRecordOfAStage_IsAskedWhatItChanges()
    {
        var stages = typeof(ClipFeatureOptions)
            .Assembly.GetExportedTypes()
            .Where(type => type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IEstimator<>)))
            .SelectMany(type => type.GetConstructors(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance))
            .SelectMany(constructor => constructor.GetParameters().Select(parameter => parameter.ParameterType));
        var open = new Stack<Type>(stages.Where(IsRecord));
        var found = new HashSet<Type>();
        while (open.TryPop(out var type))
        {
            if (found.Add(type))
            {
                Public(type).Select(property => property.PropertyType).Where(IsRecord).ToList().ForEach(open.Push);
            }
        }

        Assert.IsGreaterThan(5, found.Count);
        var tests = string.Concat(
            SourceTree.CSharpFiles("test/AirMLNet.Tests/Options").Select(path => File.ReadAllText(Path.Combine(SourceTree.Root, path)))
        );
        var missing = found.Where(type => !tests.Contains($"new OptionEffects<{type.Name}>(", StringComparison.Ordinal));
        Assert.AreEqual("", string.Join(", ", missing.Select(type => type.Name)));
    }

    private static bool IsRecord(Type type) => Records.Any(row => (Type)row[0] == type);

    private static string Write(Type type, object options) =>
        (string)typeof(OptionsJson).GetMethod(nameof(OptionsJson.Write))!.MakeGenericMethod(type).Invoke(null, [options])!;

    private static IEnumerable<PropertyInfo> Public(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance);

    private static IEnumerable<PropertyInfo> Written(Type type) =>
        Public(type).Where(p => p.GetCustomAttribute<JsonIgnoreAttribute>() is null && !IsOfTheProgram(p.PropertyType));

    private static bool IsOfTheProgram(Type type) =>
        typeof(Delegate).IsAssignableFrom(type)
        || type == typeof(CancellationToken)
        || (type.IsInterface && !typeof(System.Collections.IEnumerable).IsAssignableFrom(type));

    /// <summary>A record with every written property at another value than its default.</summary>
    private static object Other(Type type)
    {
        var options = New(type);
        foreach (var property in Written(type))
        {
            var old = property.GetValue(options);
            var set = false;
            foreach (var value in Candidates(property.PropertyType).Where(value => !Equals(value, old)))
            {
                try
                {
                    property.SetValue(options, value);
                    set = true;
                    break;
                }
                catch (TargetInvocationException e) when (e.InnerException is ArgumentException)
                {
                    // Out of the option's range: the next one.
                }
            }

            Assert.IsTrue(set, $"No value for {type.Name}.{property.Name}");
        }

        return options;
    }

    // Required members are the compiler's concern; here they are null until they are set.
    private static object New(Type type) => Activator.CreateInstance(type)!;

    private static object[] Candidates(Type type)
    {
        var kind = Nullable.GetUnderlyingType(type) ?? type;
        return kind switch
        {
            _ when kind == typeof(bool) => [true, false],
            _ when kind == typeof(int) => [3, 4, 64],
            _ when kind == typeof(double) => [0.375, 0.25],
            _ when kind == typeof(string) => ["other words, with \"quotes\" and ö", "more", "USER: <image> {}"],
            _ when kind == typeof(Uri) => [new Uri("https://example.org/models"), new Uri("http://localhost:8080")],
            _ when kind == typeof(TimeSpan) => [TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(8)],
            _ when kind == typeof(IReadOnlyList<double>) => [new[] { 0.25, 0.5 }],
            _ when kind == typeof(IReadOnlyList<string>) => [new[] { "a {}", "the {}" }],
            _ when kind == typeof(IReadOnlyDictionary<string, string>) => [new Dictionary<string, string> { ["a"] = "b" }],
            _ when kind == typeof(IReadOnlyList<SynthesisPrompt>) =>
            [
                new[] { new SynthesisPrompt("a cat", "cat"), new SynthesisPrompt("a dog") },
            ],
            { IsEnum: true } => [.. Enum.GetValues(kind).Cast<object>().Reverse()],
            _ when IsRecord(kind) => [Other(kind)],
            _ => throw new NotSupportedException($"No values of {type} are known here."),
        };
    }
}
