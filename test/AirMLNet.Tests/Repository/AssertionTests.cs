namespace AirMLNet.Tests.Repository;

/// <summary>No test passes whenever nothing is thrown.</summary>
[TestClass]
public sealed class AssertionTests
{
    [TestMethod]
    public void EveryTestMethod_Asserts()
    {
        var finder = new AssertionFinder(
            SourceTree.CSharpFiles("test").Select(file => File.ReadAllText(Path.Combine(SourceTree.Root, file)))
        );
        Assert.IsGreaterThan(500, finder.Tests);
        Assert.AreEqual("", string.Join(", ", finder.WithoutAssertion()), "these test methods have no assertion");
    }

    /// <summary>The finder itself, on sources of which the answer is known.</summary>
    [TestMethod]
    public void TheFinder_FollowsCallsIntoTheTestsOwnMethods_AndNoFurther()
    {
        var finder = new AssertionFinder([
            """
            [TestClass]
            public class A : Base
            {
                [TestMethod] public void Direct() => Assert.AreEqual(1, Sum());
                [TestMethod, DataRow(1)] public void ByHelper(int i) { if (i > 0) { Check(i); } }
                [TestMethod] public void ByBase() => FromBase();
                [TestMethod] public void ByOtherClass() => Other.Holds();
                [TestMethod] public void ByFixture() { using var f = new Fixture(); f.Holds(); }
                [TestMethod] public void ByDelegate() => Run(Check);
                [TestMethod] public void Nothing() => Sum();
                [TestMethod] public void OnlyRuns() => Product.Load("folder").Close();
                [TestMethod] public void Literals() => Assert.IsTrue(true);
                [TestMethod] public void Recursive() => Recursive();
                private static int Sum() => 1;
                private void Check(int i) => Check(i.ToString());
                private void Check(string s) => StringAssert.Contains(s, s);
                private void Load(string s) => Assert.Fail(s);
            }
            """,
            "public class Base { protected void FromBase() => CollectionAssert.AreEqual(new int[0], Values); }",
            """
            [TestClass]
            public class Other
            {
                public static void Holds() => Assert.Fail("no");
                [TestMethod] public void Close() => Holds();
            }
            """,
            "class Fixture { public void Holds() => Assert.IsNotNull(this); }",
        ]);

        Assert.AreEqual(11, finder.Tests);
        Assert.AreEqual("A.Nothing, A.OnlyRuns, A.Literals, A.Recursive", string.Join(", ", finder.WithoutAssertion()));
    }
}
